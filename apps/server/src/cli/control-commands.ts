import { queueListSchema, taskLimitSettingsSchema } from "@millrace/contracts";
import type { Worker } from "@millrace/contracts";
import { Argument } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { isConfirmed } from "./confirm.ts";
import { addEventsCommand } from "./events-command.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { addDestination, addPing, liveWorkers } from "./inspect-commands.ts";
import { addChangeCommand, addResultCommand } from "./jobs-commands.ts";
import { positiveInteger } from "./option-values.ts";
import { addPauseCommands, addPurgeOptions, purgeQueues } from "./queues-commands.ts";
import type { PurgeOptions } from "./queues-commands.ts";
import { addReplacedCommand } from "./replaced-command.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { addEnqueueCommand } from "./tasks-commands.ts";
import { askWorkers } from "./workers-commands.ts";
import { writeJson } from "./write-json.ts";

type Options = { readonly destination?: readonly string[]; readonly json?: true };

/** What Celery's control does, and what is done another way here. */
const replaced = [
  [
    "time_limit",
    "Time limits belong to the task: softLimitMs and hardLimitMs in defineTask, or TASK_OVERRIDES in the settings.",
  ],
  ["autoscale", "Set how many jobs a worker runs at once: millrace workers set WORKER --concurrency N."],
  ["add_consumer", "A worker serves the queues of WORKER_QUEUES: set it and start the worker again."],
  [
    "cancel_consumer",
    "To stop a queue everywhere: millrace queues pause QUEUE. For one worker: WORKER_QUEUES.",
  ],
  [
    "pool_restart",
    "Stop the worker, millrace workers stop WORKER, and start its service again. For new code: start --watch.",
  ],
  ["enable_events", "Events are always on: millrace events --dump."],
  ["disable_events", "Events are always on, and cost nothing while nobody watches."],
] as const;

/** `millrace control …`, and Celery's words at the top level: status, purge, revoke, call, result, events. */
export function addControlCommands(program: Command, host: CommandHost): void {
  const control = program
    .command("control")
    .description("Change workers, queues and tasks, in Celery's words");
  const server = (): Promise<ApiClient> => getServer(host.environment().connection());
  addPauseCommands(control, server);
  addChangeCommand(control, host, { words: "revoke [id...]", action: "cancel" });
  addChangeCommand(control, host, { words: "terminate [id...]", action: "cancel" });
  addPing(control, host, "ping");
  addRateLimit(control, server);
  addPoolCommands(control, host, server);
  for (const [word, instead] of replaced) addReplacedCommand(control, word, instead);

  addPing(program, host, "status");
  addPurge(program, host, server);
  addChangeCommand(program, host, { words: "revoke [id...]", action: "cancel" });
  addEnqueueCommand(program, host, "call");
  addResultCommand(program, host);
  addEventsCommand(program, host);
}

function addRateLimit(control: Command, server: () => Promise<ApiClient>): void {
  control
    .command("rate_limit <task> <limit>")
    .description(
      "Limit the starts of a task over all workers, as 10/m; none or 0 lifts it, default is the program's",
    )
    .option("--json", "print JSON")
    .action(async (task: string, limit: string, { json }: Options) => {
      const rate_limit = limit === "default" ? null : /^(none|0)$/.test(limit) ? "none" : limit;
      const path = `/api/tasks/${encodeURIComponent(task)}/limits`;
      const body = JSON.stringify({ rate_limit });
      const request = { method: "PATCH", body } as const;
      const settings = await (await server()).call(path, taskLimitSettingsSchema, request);
      if (json) writeJson(settings);
      else process.stderr.write(`${task}: rate limit ${settings.rate_limit ?? "as the program says"}\n`);
    });
}

function addPoolCommands(control: Command, host: CommandHost, server: () => Promise<ApiClient>): void {
  for (const [word, direction, description] of [
    ["pool_grow", 1, "Let live workers run more jobs at once, by one or by a number"],
    ["pool_shrink", -1, "Let live workers run fewer jobs at once, by one or by a number"],
  ] as const) {
    addDestination(control.command(word))
      .description(description)
      .addArgument(
        new Argument("[number]", "how many more or fewer").argParser(positiveInteger(10_000)).default(1),
      )
      .option("--json", "print a JSON array of those that were asked")
      .action(async (number: number, options: Options) => {
        host.finish(await resizePools(await server(), direction * number, options));
      });
  }
  addDestination(control.command("shutdown"))
    .description("Let live workers hand their jobs back and stop")
    .option("-y, --yes", "do not ask")
    .option("--json", "print a JSON array of those that were asked")
    .action(async (options: Options & { readonly yes?: true }) => {
      host.finish(await shutDown(await server(), options));
    });
}

async function resizePools(client: ApiClient, by: number, { destination, json }: Options): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const workers = await findLive(client, destination);
  for (const { id, concurrency, wanted_concurrency } of workers) {
    const wanted = Math.max(1, (wanted_concurrency ?? concurrency) + by);
    const asked = await askWorkers(client, [id], { concurrency: wanted, ...(json ? { json } : {}) });
    if (asked > code) code = asked;
  }
  return workers.length === 0 ? exitCodes.notFound : code;
}

async function shutDown(
  client: ApiClient,
  { destination, json, yes }: Options & { readonly yes?: true },
): Promise<ExitCode> {
  const workers = await findLive(client, destination);
  if (workers.length === 0) return exitCodes.notFound;
  const names = workers.map(({ name }) => name).join(", ");
  if (!yes && !(await isConfirmed(`Stop ${names}?`))) {
    process.stderr.write("Nothing was stopped\n");
    return exitCodes.failed;
  }
  const ids = workers.map(({ id }) => id);
  return await askWorkers(client, ids, { action: "stop", ...(json ? { json } : {}) });
}

async function findLive(client: ApiClient, named: readonly string[] | undefined): Promise<Worker[]> {
  const workers = await liveWorkers(client, named);
  if (workers.length === 0) process.stderr.write("millrace: no such worker is alive\n");
  return workers;
}

/** All queues, as Celery does; those that are named with -Q. */
function addPurge(program: Command, host: CommandHost, server: () => Promise<ApiClient>): void {
  addPurgeOptions(program.command("purge [queue...]"))
    .description("Cancel what is queued or scheduled, in all queues or in some; running jobs go on")
    .option("-Q, --queues <queues>", "only these, with commas between", (value: string) => value.split(","))
    .action(async (names: string[], options: PurgeOptions & { readonly queues?: readonly string[] }) => {
      const client = await server();
      const named = [...names, ...(options.queues ?? [])];
      const all = async () =>
        (await client.call("/api/queues", queueListSchema)).data.map(({ name }) => name);
      host.finish(await purgeQueues(client, named.length > 0 ? named : await all(), options));
    });
}
