import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { jobSchema, pageSchema, taskSchema } from "@millrace/contracts";
import type { JobDetail, Task } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { fileNotFound, fileNotReadable, invalidArguments } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { positiveInteger, positiveSeconds, priorityNumber, timeSeconds } from "./option-values.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { printableLine } from "./terminal/printable.ts";
import { writeTable } from "./terminal/table.ts";
import { waitForJob } from "./wait-for-job.ts";
import { writeJson } from "./write-json.ts";

type ListOptions = { readonly queue?: string; readonly json?: true };
type GetOptions = { readonly taskVersion?: number; readonly json?: true };
type EnqueueOptions = {
  readonly input?: string;
  readonly priority?: number;
  readonly delay?: number;
  readonly expires?: number;
  readonly tag?: readonly string[];
  readonly key?: string;
  readonly wait?: true;
  readonly timeout?: number;
  readonly json?: true;
};

const enqueueHelp = `
--input takes JSON, @FILE, or - for standard input. Prints the job's id; with --wait what the job
returned, as JSON.

Exit codes: 0 enqueued, or with --wait succeeded; 2 usage; 3 no such task; 4 not let in; 5 --timeout
is over, and the job goes on; 6 the job failed, was cancelled or expired; 130 interrupted.`;

/** `millrace tasks ls|get|enqueue`, through the running server. */
export function addTasksCommands(program: Command, host: CommandHost): void {
  const tasks = program.command("tasks").description("Tasks that the running server knows");
  const server = (): Promise<ApiClient> => getServer(host.environment().connection());
  tasks
    .command("ls")
    .description("List tasks by name")
    .option("--queue <queue>", "only of this queue")
    .option("--json", "print a JSON array")
    .action(async (options: ListOptions) => list(await server(), options));
  tasks
    .command("get <name>")
    .description("One task with its limits and schemas")
    .option("--task-version <number>", "this version instead of the newest", positiveInteger(1_000_000))
    .option("--json", "print JSON")
    .action(async (name: string, options: GetOptions) => get(await server(), name, options));
  addEnqueueCommand(tasks, host, "enqueue");
}

/** `enqueue`, also under Celery's word at the top level. */
export function addEnqueueCommand(parent: Command, host: CommandHost, word: string): void {
  parent
    .command(`${word} <name>`)
    .description("Enqueue a job")
    .option("--input <json>", "what the task is given. Default: an empty object")
    .option("--priority <0-9>", "9 goes first. Default: the task's", priorityNumber)
    .option("--delay <time>", "start not before, as 90s, 10m, 2h, or seconds", timeSeconds)
    .option("--expires <time>", "a job that has not started by then expires", timeSeconds)
    .option("--tag <tag...>", "tags to find the job by")
    .option("--key <key>", "idempotency key: the same again gives the same job")
    .option("--wait", "wait for the end and print what the job returned")
    .option("--timeout <seconds>", "with --wait: give up waiting after this time", positiveSeconds)
    .option("--json", "print the whole job")
    .addHelpText("after", enqueueHelp)
    .action(async (name: string, options: EnqueueOptions) => {
      host.finish(await enqueue(await getServer(host.environment().connection()), name, options));
    });
}

function taskPath(name: string): string {
  return `/api/tasks/${encodeURIComponent(name)}`;
}

async function list(client: ApiClient, { json, queue }: ListOptions): Promise<void> {
  const { data: tasks } = await client.call("/api/tasks", pageSchema(taskSchema), { query: { queue } });
  if (json) {
    writeJson(tasks);
    return;
  }
  writeTable<Task>(
    process.stdout,
    [
      { title: "TASK", value: (task) => task.name, isFlexible: true },
      { title: "VERSION", value: (task) => String(task.version) },
      { title: "QUEUE", value: (task) => task.queue },
      { title: "PRIORITY", value: (task) => String(task.priority) },
      { title: "RETRIES", value: (task) => String(task.retries) },
      { title: "LIMITS", value: limitsOf },
      { title: "OF", value: (task) => task.source },
    ],
    tasks,
  );
}

function limitsOf({ limits, live_limits: live }: Task): string {
  const { rate_limit: rate, key_rate_limit: keyRate, concurrency, key_concurrency: keyConcurrency } = limits;
  const words = [
    ...(rate === null ? [] : [rate.limit]),
    ...(keyRate === null ? [] : [`${keyRate.limit} a key`]),
    ...(concurrency === null ? [] : [`${concurrency} at once`]),
    ...(keyConcurrency === null ? [] : [`${keyConcurrency} at once a key`]),
    ...(live.length === 0 ? [] : ["(set)"]),
  ];
  return words.length === 0 ? "-" : words.join(" ");
}

async function get(
  client: ApiClient,
  name: string,
  { taskVersion: version, json }: GetOptions,
): Promise<void> {
  const task = await client.call(taskPath(name), taskSchema, { query: { version } });
  if (json) {
    writeJson(task);
    return;
  }
  const lines = [
    `${task.name}  version ${task.version}, of the ${task.source}`,
    ...(task.description === null ? [] : [printableLine(task.description)]),
    `Queue     ${task.queue}, priority ${task.priority}`,
    `Retries   ${task.retries}`,
    `Times     ${task.soft_limit_ms / 1000} s, at most ${task.hard_limit_ms / 1000} s`,
    `Limits    ${limitsOf(task)}`,
    `Input     ${printableLine(JSON.stringify(task.input))}`,
    `Output    ${printableLine(JSON.stringify(task.output))}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function enqueue(client: ApiClient, name: string, options: EnqueueOptions): Promise<ExitCode> {
  if (options.timeout !== undefined && !options.wait) {
    throw invalidArguments("--timeout goes with --wait: without it nothing is waited for.");
  }
  const stop = listenForStop();
  try {
    const body = {
      ...(options.input === undefined ? {} : { input: await readInput(options.input) }),
      options: {
        priority: options.priority,
        delay_ms: options.delay === undefined ? undefined : options.delay * 1000,
        expires_in_ms: options.expires === undefined ? undefined : options.expires * 1000,
        tags: options.tag,
        idempotency_key: options.key,
      },
    };
    const job = await client.call(`${taskPath(name)}/jobs`, jobSchema, {
      method: "POST",
      body: JSON.stringify(body),
      signal: stop.signal,
    });
    if (!options.wait) {
      if (options.json) writeJson(job);
      else process.stdout.write(`${job.id}\n`);
      return exitCodes.ok;
    }
    return report(await waitForJob(client, job, { seconds: options.timeout, stopped: stop.signal }), options);
  } finally {
    stop.close();
  }
}

function report(job: JobDetail, { json }: EnqueueOptions): ExitCode {
  if (json) writeJson(job);
  else if (job.state === "succeeded") writeJson(job.output);
  if (job.state === "succeeded") return exitCodes.ok;
  const why = job.error === null ? "" : `: ${printableLine(job.error.message)} (${job.error.code})`;
  process.stderr.write(`millrace: job ${job.id} ${job.state}${why}\n`);
  return exitCodes.jobFailed;
}

/** JSON as it stands, of a file, or of standard input. Throws `invalid_arguments`, `file_not_found`. */
export async function readInput(given: string): Promise<unknown> {
  const source = given === "-" ? await text(process.stdin) : await readGiven(given);
  try {
    return parseJson(source);
  } catch {
    // Of bad JSON there is nothing to say but that it is bad.
    throw invalidArguments(`--input is not JSON. Write '{"x":1}', @FILE, or - for standard input.`);
  }
}

async function readGiven(given: string): Promise<string> {
  if (!given.startsWith("@")) return given;
  const name = given.slice(1);
  return await readFile(name, "utf8").catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    throw code === "ENOENT" ? fileNotFound(name) : fileNotReadable(name, error);
  });
}
