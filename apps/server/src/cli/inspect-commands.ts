import { queueListSchema, systemSchema, workerDetailSchema } from "@millrace/contracts";
import type { Job, JobState, Worker, WorkerDetail } from "@millrace/contracts";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { getJob } from "./job-calls.ts";
import { findJobs, writeJobs } from "./jobs-commands.ts";
import { addReplacedCommand } from "./replaced-command.ts";
import { positiveInteger } from "./option-values.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { each, listWorkers, workerPath, writeWorkers } from "./workers-commands.ts";
import { writeJson } from "./write-json.ts";

type Options = { readonly destination?: readonly string[]; readonly json?: true };
type ListOptions = { readonly limit: number; readonly json?: true };

/** `millrace inspect …`: Celery's words for looking at workers and at what they do. */
export function addInspectCommands(program: Command, host: CommandHost): void {
  const inspect = program.command("inspect").description("Look at workers and jobs, in Celery's words");
  const server = (): Promise<ApiClient> => getServer(host.environment().connection());
  const ofWorkers = (
    word: string,
    description: string,
    show: (found: Looked) => Promise<void> | void,
  ): void => {
    addDestination(inspect.command(word))
      .description(description)
      .option("--json", "print JSON")
      .action(async ({ destination, json }: Options) => {
        const client = await server();
        await show({ client, workers: await liveWorkers(client, destination), json });
      });
  };
  addPing(inspect, host, "ping");
  ofWorkers("active", "What each live worker runs now", showActive);
  ofWorkers("stats", "Slots, figures and memory of each live worker", ({ workers, json }) =>
    json ? writeJson(workers) : writeWorkers(workers),
  );
  ofWorkers("registered", "The tasks that each live worker can run, as name@version", ({ workers, json }) =>
    showLists(workers, (worker) => worker.tasks, json),
  );
  ofWorkers("active_queues", "The queues that each live worker serves", ({ workers, json }) =>
    showLists(workers, (worker) => worker.queues, json),
  );
  for (const [word, state, description] of [
    ["reserved", "queued", "What waits for a worker; nothing is reserved for one before it runs"],
    ["scheduled", "scheduled", "What is not due yet: delays, retries, limits"],
    ["revoked", "cancelled", "What was cancelled"],
  ] as const) {
    inspect
      .command(word)
      .description(description)
      .option("--limit <number>", "how many at most", positiveInteger(100_000), 100)
      .option("--json", "print a JSON array")
      .action(async (options: ListOptions) => showState(await server(), state, options));
  }
  inspect
    .command("query_task <id...>")
    .description("How jobs stand")
    .option("--json", "print a JSON array")
    .action(async (ids: string[], { json }: { readonly json?: true }) => {
      const client = await server();
      const jobs: Job[] = [];
      host.finish(await each(ids, async (id) => void jobs.push(await getJob(client, id))));
      if (json) writeJson(jobs);
      else writeJobs(jobs);
    });
  inspect
    .command("report")
    .description("The installation, its workers and its queues, as JSON for a report of a problem")
    .option("--json", "as it is anyway")
    .action(async () => writeJson(await readReport(await server())));
  addReplacedCommand(
    inspect,
    "conf",
    "Settings are those of the process: see .env.example, and millrace doctor.",
  );
  addReplacedCommand(inspect, "clock", "There is no logical clock: moments are those of the database.");
}

type Looked = {
  readonly client: ApiClient;
  readonly workers: readonly Worker[];
  readonly json: true | undefined;
};

/** `ping`, also as `status`: exit code 1 when no worker answers. */
export function addPing(parent: Command, host: CommandHost, word: string): void {
  addDestination(parent.command(word))
    .description("Which workers are alive; exit code 1 when none is")
    .option("--json", "print JSON")
    .action(async ({ destination, json }: Options) => {
      const workers = await liveWorkers(await getServer(host.environment().connection()), destination);
      if (json) writeJson(workers.map(({ id, name, display_state }) => ({ id, name, state: display_state })));
      else {
        const columns = [
          { title: "WORKER", value: (worker: Worker) => worker.name },
          { title: "STATE", value: (worker: Worker) => worker.display_state },
        ];
        writeTable(process.stdout, columns, workers);
      }
      process.stderr.write(`${workers.length} ${workers.length === 1 ? "worker" : "workers"} alive\n`);
      host.finish(pingCode(workers));
    });
}

function pingCode(workers: readonly Worker[]): ExitCode {
  return workers.length === 0 ? exitCodes.failed : exitCodes.ok;
}

export function addDestination(command: Command): Command {
  return command.option(
    "-d, --destination <workers>",
    "only these, by name or id, with commas between",
    (value: string) => value.split(",").map((name) => name.trim()),
  );
}

/** The living, all or those that are named. */
export async function liveWorkers(client: ApiClient, named?: readonly string[]): Promise<Worker[]> {
  const workers = await listWorkers(client);
  return workers.filter(
    ({ id, name, is_live }) => is_live && (named === undefined || named.includes(id) || named.includes(name)),
  );
}

async function showActive({ client, workers, json }: Looked): Promise<void> {
  const found: WorkerDetail[] = [];
  for (const { id } of workers) found.push(await client.call(workerPath(id), workerDetailSchema));
  if (json) {
    writeJson(found.map(({ id, name, jobs }) => ({ worker_id: id, worker: name, jobs })));
    return;
  }
  const rows = found.flatMap(({ name, jobs }) => jobs.map((job) => ({ name, job })));
  writeTable<{ readonly name: string; readonly job: Job }>(
    process.stdout,
    [
      { title: "WORKER", value: ({ name }) => name },
      { title: "JOB", value: ({ job }) => job.id },
      { title: "TASK", value: ({ job }) => job.task, isFlexible: true },
      { title: "QUEUE", value: ({ job }) => job.queue },
      { title: "TRY", value: ({ job }) => `${job.attempt}/${job.max_attempts}` },
      { title: "STARTED", value: ({ job }) => shortMoment(job.started_at) },
    ],
    rows,
  );
}

function showLists(
  workers: readonly Worker[],
  of: (worker: Worker) => readonly string[],
  json: true | undefined,
): void {
  if (json) writeJson(Object.fromEntries(workers.map((worker) => [worker.name, of(worker)])));
  else {
    const rows = workers.flatMap((worker) => of(worker).map((item) => ({ worker: worker.name, item })));
    const columns = [
      { title: "WORKER", value: (row: (typeof rows)[number]) => row.worker },
      { title: "NAME", value: (row: (typeof rows)[number]) => row.item },
    ];
    writeTable(process.stdout, columns, rows);
  }
}

async function showState(client: ApiClient, state: JobState, { limit, json }: ListOptions): Promise<void> {
  const jobs = await findJobs(client, { state: [state], limit });
  if (json) writeJson(jobs);
  else writeJobs(jobs);
}

async function readReport(client: ApiClient): Promise<object> {
  const system = await client.call("/api/system", systemSchema);
  const { data: queues, all } = await client.call("/api/queues", queueListSchema);
  return { command_line: process.version, system, workers: await listWorkers(client), queues, all };
}
