import { queueListSchema, queuePurgedSchema, queueSchema } from "@millrace/contracts";
import type { Queue } from "@millrace/contracts";
import { errorCode } from "@millrace/kernel";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { isConfirmed } from "./confirm.ts";
import { exitCodeOf, exitCodes, worstExitCode } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { countNumber, limitNumber, moment } from "./option-values.ts";
import { reportFailure } from "./report-failure.ts";
import type { ApiClient } from "./server/api-client.ts";
import { shortSeconds } from "./terminal/duration.ts";
import { printableLine } from "./terminal/printable.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };
type PauseOptions = JsonOption & { readonly reason?: string; readonly until?: string };
export type PurgeOptions = JsonOption & {
  readonly task?: string;
  readonly expected?: number;
  readonly yes?: true;
};

/** `millrace queues ls|get|pause|resume|purge|set`, through the running server or without one. */
export function addQueuesCommands(program: Command, host: CommandHost): void {
  const queues = program.command("queues").description("Queues");
  const { server } = host;
  queues
    .command("ls")
    .description("List queues with what waits in them")
    .option("--json", "print a JSON array")
    .action(async (options: JsonOption) => list(await server(), options));
  queues
    .command("get <queue>")
    .description("One queue; * stands for all of them together")
    .option("--json", "print JSON")
    .action(async (name: string, { json }: JsonOption) => {
      const queue = await (await server()).call(queuePath(name), queueSchema);
      if (json) writeJson(queue);
      else process.stdout.write(`${describe(queue).join("\n")}\n`);
    });
  addPauseCommands(queues, server);
  addPurgeOptions(queues.command("purge <queue>"))
    .description("Cancel what is queued or scheduled; running jobs go on")
    .action(async (name: string, options: PurgeOptions) => {
      host.finish(await purgeQueues(await server(), [name], options));
    });
  queues
    .command("set <queue>")
    .description("Limit how many of its jobs run at once, over all workers")
    .requiredOption("--max-running <number>", "jobs at once; none lifts the limit", limitNumber)
    .option("--json", "print JSON")
    .action(async (name: string, { maxRunning, json }: JsonOption & { maxRunning: number | "none" }) => {
      const max_running = maxRunning === "none" ? null : maxRunning;
      const body = JSON.stringify({ max_running });
      tell(await (await server()).call(queuePath(name), queueSchema, { method: "PATCH", body }), { json });
    });
}

/** `pause` and `resume`, also as Celery's `control` would have them. */
export function addPauseCommands(parent: Command, server: () => Promise<ApiClient>): void {
  parent
    .command("pause <queue>")
    .description("Let nothing of a queue start any more, or with * of any; running jobs go on")
    .option("--reason <text>", "why, for those who look")
    .option("--until <time>", "when it goes on by itself: a moment, or 10m, 2h from now", moment)
    .option("--json", "print JSON")
    .action(async (name: string, { json, ...body }: PauseOptions) => {
      const request = { method: "POST", body: JSON.stringify(body) } as const;
      tell(await (await server()).call(`${queuePath(name)}/pause`, queueSchema, request), { json });
    });
  parent
    .command("resume <queue>")
    .description("Let a queue go on, or with * all of them")
    .option("--json", "print JSON")
    .action(async (name: string, { json }: JsonOption) => {
      const request = { method: "POST" } as const;
      tell(await (await server()).call(`${queuePath(name)}/resume`, queueSchema, request), { json });
    });
}

export function addPurgeOptions(command: Command): Command {
  return command
    .option("--task <task>", "only jobs of this task")
    .option("--expected <number>", "do nothing when it is another number", countNumber)
    .option("-y, --yes", "do not ask")
    .option("-f, --force", "the same")
    .option("--json", "print JSON: {cancelled, left}");
}

function queuePath(name: string): string {
  return `/api/queues/${encodeURIComponent(name)}`;
}

async function list(client: ApiClient, { json }: JsonOption): Promise<void> {
  const { data: queues, all } = await client.call("/api/queues", queueListSchema);
  if (json) {
    writeJson(queues);
    return;
  }
  const count = (state: keyof Queue["counts"]) => (queue: Queue) => String(queue.counts[state]);
  writeTable<Queue>(
    process.stdout,
    [
      { title: "QUEUE", value: (queue) => queue.name },
      { title: "QUEUED", value: count("queued") },
      { title: "SCHEDULED", value: count("scheduled") },
      { title: "RUNNING", value: (queue) => `${queue.running}${limitOf(queue)}` },
      { title: "FAILED", value: count("failed") },
      { title: "OLDEST", value: (queue) => shortSeconds(queue.oldest_wait_seconds) },
      { title: "WORKERS", value: (queue) => String(queue.workers) },
      { title: "PAUSED", value: pauseOf, isFlexible: true },
    ],
    queues,
  );
  if (all.paused !== null) process.stderr.write(`All queues are paused: ${printableLine(pauseOf(all))}\n`);
  if (all.max_running !== null)
    process.stderr.write(`All queues together run at most ${all.max_running} jobs\n`);
}

function limitOf({ max_running: max }: Queue): string {
  return max === null ? "" : `/${max}`;
}

function pauseOf({ paused }: Queue): string {
  if (paused === null) return "-";
  const until = paused.until === null ? [] : [`until ${shortMoment(paused.until)}`];
  return [`since ${shortMoment(paused.at)}`, `by ${paused.by ?? "?"}`, ...until, paused.reason ?? ""]
    .join(" ")
    .trim();
}

function describe(queue: Queue): string[] {
  const counts = Object.entries(queue.counts).filter(([, count]) => count > 0);
  return [
    queue.name,
    `Jobs      ${counts.map(([state, count]) => `${count} ${state}`).join(", ") || "none"}`,
    `Oldest    ${shortSeconds(queue.oldest_wait_seconds)}`,
    `At once   ${queue.max_running ?? "no limit"}`,
    `Workers   ${queue.workers}`,
    `A minute  ${queue.arrived_per_minute} came, ${queue.finished_per_minute} ended`,
    `Paused    ${printableLine(pauseOf(queue))}`,
  ];
}

function tell(queue: Queue, { json }: { readonly json?: true | undefined }): void {
  if (json) {
    writeJson(queue);
    return;
  }
  const what = queue.name === "*" ? "All queues" : `Queue ${queue.name}`;
  const limit = queue.max_running === null ? "no limit" : `at most ${queue.max_running} at once`;
  process.stderr.write(
    `${what}: ${queue.paused === null ? "not paused" : `paused ${pauseOf(queue)}`}, ${limit}\n`,
  );
}

/** Purges queues one after another, each as often as it takes. Asks for all of them together first. */
export async function purgeQueues(
  client: ApiClient,
  names: readonly string[],
  options: PurgeOptions & { readonly force?: true },
): Promise<ExitCode> {
  const { task, expected, json } = options;
  const isSure = options.yes === true || options.force === true;
  const counts: { name: string; count: number }[] = [];
  for (const name of names) counts.push({ name, count: expected ?? (await countOf(client, name, task)) });
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const where = names.join(", ") || "no queue";
  const which = task === undefined ? where : `${task} in ${where}`;
  const question = `Cancel ${total} ${total === 1 ? "job" : "jobs"} of ${which}?`;
  if (!isSure && !(await isConfirmed(question))) {
    process.stderr.write("Nothing was cancelled\n");
    return exitCodes.failed;
  }
  const done = { cancelled: 0, left: 0 };
  const codes: ExitCode[] = [];
  for (const { name, count } of counts) {
    try {
      // Who has said or seen a number means so many; who wants no question means what is there.
      const isExact = !isSure || expected !== undefined;
      const { cancelled, left } = await purge(client, name, { count, isExact, task });
      done.cancelled += cancelled;
      done.left += left;
    } catch (error) {
      reportFailure(error, name);
      codes.push(exitCodeOf(error));
      done.left += count;
    }
  }
  if (json) writeJson(done);
  else process.stderr.write(`Cancelled ${done.cancelled}${done.left > 0 ? `; ${done.left} stayed` : ""}\n`);
  if (codes.length > 0) return worstExitCode(codes);
  return done.left > 0 ? exitCodes.failed : exitCodes.ok;
}

/** Throws what the server says of a queue that it does not know. */
async function countOf(client: ApiClient, name: string, task: string | undefined): Promise<number> {
  const { counts } = await client.call(queuePath(name), queueSchema);
  if (task === undefined) return counts.queued + counts.scheduled;
  const body = JSON.stringify({ dry_run: true, task });
  const request = { method: "POST", body } as const;
  return (await client.call(`${queuePath(name)}/purge`, queuePurgedSchema, request)).left;
}

type Purge = { readonly count: number; readonly isExact: boolean; readonly task: string | undefined };

/** As often as jobs may come between two looks at how many there are. */
const maxCounts = 20;

async function purge(
  client: ApiClient,
  name: string,
  { count, isExact, task }: Purge,
): Promise<{ cancelled: number; left: number }> {
  let cancelled = 0;
  for (let left = count, counts = 1; ;) {
    try {
      const body = JSON.stringify({ expected_count: left, task });
      const request = { method: "POST", body } as const;
      const round = await client.call(`${queuePath(name)}/purge`, queuePurgedSchema, request);
      cancelled += round.cancelled;
      left = round.left;
      if (left === 0 || round.cancelled === 0) return { cancelled, left };
    } catch (error) {
      if (errorCode(error) !== "purge_count_mismatch") throw error;
      // After the first round it is what came meanwhile that makes the difference, and that is not meant.
      if (cancelled > 0) return { cancelled, left };
      if (isExact || counts === maxCounts) throw error;
      left = await countOf(client, name, task);
      counts++;
    }
  }
}
