import { isTerminal, jobResultSchema, jobSchema, logLineSchema } from "@millrace/contracts";
import type { Job, JobDetail } from "@millrace/contracts";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { getJob, jobPath, tellJob } from "./job-calls.ts";
import { interrupted, invalidArguments, waitTimedOut } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { addMarkOptions, changeJobs, toSelection } from "./many-jobs.ts";
import type { JobMarks } from "./many-jobs.ts";
import { positiveInteger, positiveSeconds } from "./option-values.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import { addAnswerCommand } from "./answer-command.ts";
import type { ApiClient } from "./server/api-client.ts";
import { askPatiently } from "./server/ask-patiently.ts";
import { getServer } from "./server/find-server.ts";
import { listItems } from "./server/list-all.ts";
import { printableLine, printableText } from "./terminal/printable.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };
type ListOptions = JobMarks &
  JsonOption & { readonly limit: number; readonly worker?: string; readonly search?: string };
type ChangeCommandOptions = JobMarks & JsonOption & { readonly yes?: true; readonly limit?: number };
type ResultOptions = JsonOption & { readonly wait?: true; readonly timeout?: number };

const changeHelp = `
Name jobs by their ids, or by marks: then all that have them are meant, and you are asked first with
their number. Without --state, retry means the failed ones, and cancel all that have not ended.

Exit codes: 0 done; 1 some could not be changed; 2 usage; 3 no such job; 4 not let in.`;

/** `millrace jobs ls|get|logs|cancel|retry|answer|result|release`, through the running server or without one. */
export function addJobsCommands(program: Command, host: CommandHost): void {
  const jobs = program.command("jobs").description("Jobs");
  const { server } = host;
  addMarkOptions(jobs.command("ls"))
    .description("List jobs, newest first")
    .option("--worker <worker>", "what this worker, by id or name, runs or ran; of the latest 10,000 jobs")
    .option("--search <text>", "part of the task's name, a tag or the error; of the latest 10,000 jobs")
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 20)
    .option("--json", "print a JSON array")
    .action(async (options: ListOptions) => list(await server(), options));
  jobs
    .command("get <id>")
    .description("One job with attempts and steps")
    .option("--json", "print JSON")
    .action(async (id: string, options: JsonOption) => get(await server(), id, options));
  jobs
    .command("logs <id>")
    .description("What a job logged for people, oldest first")
    .option("--limit <number>", "the newest lines, at most", positiveInteger(100_000), 1000)
    .option("--json", "print a JSON array")
    .action(async (id: string, options: JsonOption & { readonly limit: number }) =>
      logs(await server(), id, options),
    );
  addChangeCommand(jobs, host, { words: "cancel [id...]", action: "cancel" });
  addChangeCommand(jobs, host, { words: "retry [id...]", action: "retry" });
  addAnswerCommand(jobs, server);
  addResultCommand(jobs, host);
  jobs
    .command("release <id>")
    .description("Take a running job from its worker at once, and put it back in line")
    .option("--json", "print JSON")
    .action(async (id: string, options: JsonOption) => {
      tellJob(
        await (await server()).call(`${jobPath(id)}/force-release`, jobSchema, { method: "POST" }),
        options,
      );
    });
}

/** `cancel` and `retry`, also under Celery's word: one by its id, or many by ids and marks. */
export function addChangeCommand(
  parent: Command,
  host: CommandHost,
  { words, action }: { readonly words: string; readonly action: "retry" | "cancel" },
): void {
  addMarkOptions(parent.command(words))
    .description(
      action === "cancel"
        ? "Cancel jobs, whatever their state"
        : "Try ended jobs again, with the same inputs and their history",
    )
    .option("--limit <number>", "how many at most", positiveInteger(1_000_000))
    .option("-y, --yes", "do not ask")
    .option("--json", "print JSON")
    .addHelpText("after", changeHelp)
    .action(async (ids: string[], { yes, limit, json, ...marks }: ChangeCommandOptions) => {
      const [first] = ids;
      const isMarked = Object.keys(marks).length > 0;
      if (first === undefined && !isMarked) {
        throw invalidArguments("Say which jobs: name their ids, or marks such as --task and --error-code.");
      }
      const client = await host.server();
      if (ids.length === 1 && first !== undefined && !isMarked) {
        tellJob(await client.call(`${jobPath(first)}/${action}`, jobSchema, { method: "POST" }), { json });
        return;
      }
      // Who names each of them has said which.
      const isSure = yes === true || !isMarked;
      const options = {
        action,
        ...(isSure ? ({ yes: true } as const) : {}),
        ...(limit === undefined ? {} : { limit }),
        ...(json === undefined ? {} : { json }),
      };
      host.finish(await changeJobs(client, toSelection(marks, ids), options));
    });
}

/** `result`, also at the top level, as in Celery. */
export function addResultCommand(parent: Command, host: CommandHost): void {
  parent
    .command("result <id>")
    .description("What a job returned, as JSON")
    .option("--wait", "wait for its end")
    .option("--timeout <seconds>", "with --wait: give up waiting after this time", positiveSeconds)
    .option("--json", "print JSON with state and error too")
    .action(async (id: string, options: ResultOptions) => {
      // Nobody runs the job while this process waits for its end.
      const client = options.wait ? await getServer(host.environment().connection()) : await host.server();
      host.finish(await result(client, id, options));
    });
}

async function result(client: ApiClient, id: string, options: ResultOptions): Promise<ExitCode> {
  const { wait, timeout, json } = options;
  const stop = listenForStop();
  const time = timeout === undefined ? undefined : AbortSignal.timeout(timeout * 1000);
  try {
    const signal = time === undefined ? stop.signal : AbortSignal.any([stop.signal, time]);
    const headers = wait ? { prefer: "wait=30" } : {};
    for (;;) {
      const ask = () => client.call(`${jobPath(id)}/result`, jobResultSchema, { headers, signal });
      const job = await (wait ? askPatiently(ask, signal) : ask());
      if (wait && !isTerminal(job.state)) continue;
      if (json) writeJson(job);
      else if (job.state === "succeeded") writeJson(job.output);
      if (job.state === "succeeded") return exitCodes.ok;
      const why = job.error === null ? "" : `: ${printableLine(job.error.message)} (${job.error.code})`;
      process.stderr.write(`millrace: job ${job.id} is ${job.state}${why}\n`);
      return isTerminal(job.state) ? exitCodes.jobFailed : exitCodes.failed;
    }
  } catch (error) {
    if (stop.signal.aborted) throw interrupted();
    if (time?.aborted) throw waitTimedOut(timeout ?? 0, `The job goes on: millrace jobs get ${id}`);
    throw error;
  } finally {
    stop.close();
  }
}

async function list(client: ApiClient, options: ListOptions): Promise<void> {
  const { json, limit, worker, search, ...marks } = options;
  const jobs = await findJobs(client, { ...marks, limit, worker, search });
  if (json) writeJson(jobs);
  else writeJobs(jobs);
}

/** The newest jobs that have these marks. */
export function findJobs(
  client: ApiClient,
  options: JobMarks & {
    readonly limit: number;
    readonly worker?: string | undefined;
    readonly search?: string | undefined;
  },
): Promise<Job[]> {
  const { limit, worker, search, ...marks } = options;
  const { ids: _ids, state, ...selection } = toSelection(marks);
  const states = Array.isArray(state) ? state.join(",") : state;
  const query = { ...selection, state: states, worker, search };
  return listItems(client, "/api/jobs", jobSchema, { limit, query });
}

export function writeJobs(jobs: readonly Job[]): void {
  writeTable<Job>(
    process.stdout,
    [
      { title: "ID", value: (job) => job.id },
      { title: "STATE", value: (job) => job.display_state },
      { title: "QUEUE", value: (job) => job.queue },
      { title: "TASK", value: (job) => job.task, isFlexible: true },
      { title: "DONE", value: (job) => `${Math.round(job.progress.percent)} %` },
      { title: "TRY", value: (job) => `${job.attempt}/${job.max_attempts}` },
      { title: "CREATED", value: (job) => shortMoment(job.created_at) },
    ],
    jobs,
  );
}

async function get(client: ApiClient, id: string, options: JsonOption): Promise<void> {
  const job = await getJob(client, id);
  if (options.json) writeJson(job);
  else process.stdout.write(`${describe(job).join("\n")}\n`);
}

function describe(job: JobDetail): string[] {
  const { progress } = job;
  const stage = [progress.stage, progress.message].filter((text) => text !== null).join(": ");
  return [
    `${job.id}  ${job.task} on ${job.queue}`,
    `State     ${job.display_state}${job.reason === null ? "" : ` (${job.reason})`}`,
    `Progress  ${Math.round(progress.percent)} %  ${printableLine(stage)}`.trimEnd(),
    `Created   ${job.created_at}`,
    ...describePutOff(job),
    ...describeWaiting(job),
    ...(job.finished_at === null ? [] : [`Finished  ${job.finished_at}`]),
    ...(job.tags.length === 0 ? [] : [`Tags      ${printableLine(job.tags.join(", "))}`]),
    `Input     ${shownValue(job, "input")}`,
    ...(job.state === "succeeded" ? [`Result    ${shownValue(job, "output")}`] : []),
    ...(job.error === null ? [] : [`Error     ${printableLine(job.error.message)} (${job.error.code})`]),
    ...job.attempts.map(({ attempt, outcome, started_at, error }) =>
      printableLine(
        `Attempt ${attempt}  ${started_at}  ${outcome ?? "running"}${error === null ? "" : `: ${error.message} (${error.code})`}`,
      ),
    ),
    ...job.steps.map(({ key, state, starts }) =>
      printableLine(`Step ${key}  ${state}${starts > 1 ? `, started ${starts} times` : ""}`),
    ),
  ];
}

function describePutOff({ put_off: putOff }: JobDetail): string[] {
  if (putOff === null) return [];
  return [`Until     ${putOff.until}  ${printableLine(putOff.message)} (${putOff.code})`];
}

function describeWaiting({ id, waiting_for: asked }: JobDetail): string[] {
  if (asked === null) return [];
  return [
    `Asks      ${printableLine(asked.question)}`,
    ...(asked.problem === null ? [] : [`Refused   ${printableLine(asked.problem)}`]),
    ...(asked.expires_at === null ? [] : [`Until     ${asked.expires_at}`]),
    `Answer    millrace jobs answer ${id} ${printableLine(asked.key)} VALUE`,
  ];
}

/** On one line, and not more of it than a person reads. */
function shownValue(job: JobDetail, which: "input" | "output"): string {
  if (job.omitted.includes(which))
    return `large; GET ${jobPath(job.id)}/${which === "input" ? which : "result"}`;
  const text = printableLine(JSON.stringify(job[which]) ?? "null");
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}

async function logs(
  client: ApiClient,
  id: string,
  options: JsonOption & { readonly limit: number },
): Promise<void> {
  const lines = await listItems(client, `${jobPath(id)}/logs`, logLineSchema, { limit: options.limit });
  lines.reverse();
  if (options.json) {
    writeJson(lines);
    return;
  }
  for (const { created_at: at, level, message } of lines) {
    // A stack is read line by line; what begins a line by itself is another entry.
    const text = printableText(message.trim()).replaceAll("\n", "\n    ");
    process.stdout.write(`${at}\t${level}\t${text}\n`);
  }
}
