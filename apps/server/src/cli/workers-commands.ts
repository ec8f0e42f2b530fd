import { workerDetailSchema, workerListSchema } from "@millrace/contracts";
import type { Worker, WorkerDetail } from "@millrace/contracts";
import type { Command } from "commander";
import { z } from "zod";
import type { CommandHost } from "./command-host.ts";
import { exitCodeOf, worstExitCode } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { positiveInteger } from "./option-values.ts";
import { reportFailure } from "./report-failure.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { printableLine } from "./terminal/printable.ts";
import { shortMoment, shortSize, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };

/** `millrace workers ls|get|drain|stop|run|set|forget`, through the running server. */
export function addWorkersCommands(program: Command, host: CommandHost): void {
  const workers = program.command("workers").description("Workers of the running server");
  const server = (): Promise<ApiClient> => getServer(host.environment().connection());
  workers
    .command("ls")
    .description("List workers: the living first, then those that went within a day")
    .option("--live", "only the living")
    .option("--json", "print a JSON array")
    .action(async ({ live, json }: JsonOption & { readonly live?: true }) => {
      const found = await listWorkers(await server());
      const shown = live ? found.filter(({ is_live }) => is_live) : found;
      if (json) writeJson(shown);
      else writeWorkers(shown);
    });
  workers
    .command("get <worker>")
    .description("One worker, by id or name, with what it runs now")
    .option("--json", "print JSON")
    .action(async (name: string, { json }: JsonOption) => {
      const worker = await (await server()).call(workerPath(name), workerDetailSchema);
      if (json) writeJson(worker);
      else process.stdout.write(`${describe(worker).join("\n")}\n`);
    });
  for (const [action, description] of [
    ["drain", "Let workers claim nothing more; what runs goes on"],
    ["stop", "Let workers hand their jobs back and stop"],
    ["run", "Take a drain back: they claim again"],
  ] as const) {
    workers
      .command(`${action} <worker...>`)
      .description(description)
      .option("--json", "print a JSON array of those that were asked")
      .action(async (names: string[], options: JsonOption) => {
        host.finish(await askWorkers(await server(), names, { ...options, action }));
      });
  }
  workers
    .command("set <worker...>")
    .description("Set how many jobs workers run at once")
    .requiredOption("--concurrency <number>", "jobs at once", positiveInteger(10_000))
    .option("--json", "print a JSON array of those that were asked")
    .action(async (names: string[], options: JsonOption & { readonly concurrency: number }) => {
      host.finish(await askWorkers(await server(), names, options));
    });
  workers
    .command("forget <worker...>")
    .description("Leave workers that are gone out of the lists")
    .option("--json", "print a JSON array of those that are forgotten")
    .action(async (names: string[], { json }: JsonOption) => {
      const client = await server();
      const forgotten: string[] = [];
      const code = await each(names, async (name) => {
        await client.call(workerPath(name), z.null(), { method: "DELETE" });
        forgotten.push(name);
      });
      if (json) writeJson(forgotten);
      host.finish(code);
    });
}

export async function listWorkers(client: ApiClient): Promise<Worker[]> {
  return (await client.call("/api/workers", workerListSchema)).data;
}

export function workerPath(name: string): string {
  return `/api/workers/${encodeURIComponent(name)}`;
}

/** Asks each for a state, or for how many jobs it runs at once. They obey with their next beat. */
export async function askWorkers(
  client: ApiClient,
  names: readonly string[],
  options: JsonOption & { readonly action?: "drain" | "stop" | "run"; readonly concurrency?: number },
): Promise<ExitCode> {
  const { action, concurrency, json } = options;
  const asked: Worker[] = [];
  const code = await each(names, async (name) => {
    const request =
      action === undefined
        ? ({ method: "PATCH", body: JSON.stringify({ concurrency }) } as const)
        : ({ method: "POST" } as const);
    const path = action === undefined ? workerPath(name) : `${workerPath(name)}/${action}`;
    const { data } = await client.call(path, workerListSchema, request);
    asked.push(...data);
    if (json) return;
    const wish = action === undefined ? `to run ${concurrency} at once` : `to ${action}`;
    for (const worker of data)
      process.stderr.write(`Asked ${printableLine(worker.name)} (${worker.id}) ${wish}\n`);
  });
  if (json) writeJson(asked);
  return code;
}

/** One after another; a failure is told and does not keep the others. */
export async function each(
  names: readonly string[],
  run: (name: string) => Promise<void>,
): Promise<ExitCode> {
  const codes: ExitCode[] = [];
  for (const name of names) {
    try {
      await run(name);
    } catch (error) {
      reportFailure(error, name);
      codes.push(exitCodeOf(error));
    }
  }
  return worstExitCode(codes);
}

export function writeWorkers(workers: readonly Worker[]): void {
  writeTable<Worker>(
    process.stdout,
    [
      { title: "ID", value: (worker) => worker.id },
      { title: "NAME", value: (worker) => worker.name },
      { title: "STATE", value: (worker) => worker.display_state },
      { title: "RUNS", value: (worker) => `${worker.running}/${worker.concurrency}` },
      { title: "DONE", value: (worker) => String(worker.processed) },
      { title: "FAILED", value: (worker) => String(worker.failed) },
      { title: "MEMORY", value: (worker) => shortSize(worker.rss_bytes) },
      { title: "SEEN", value: (worker) => shortMoment(worker.beat_at) },
      { title: "QUEUES", value: (worker) => worker.queues.join(","), isFlexible: true },
    ],
    workers,
  );
}

function describeBroker(broker: Worker["broker"]): string {
  if (broker === null) return "unknown";
  return broker.degraded ? `${broker.kind}, degraded: ${broker.trouble}` : broker.kind;
}

function describe(worker: WorkerDetail): string[] {
  const wish = worker.wanted_state ?? "nothing";
  return [
    `${worker.id}  ${worker.name}`,
    `State     ${worker.display_state} (asked for: ${wish})`,
    `Process   ${worker.pid} on ${worker.host}, version ${worker.version || "unknown"}`,
    `Runs      ${worker.running} of ${worker.concurrency}`,
    `Done      ${worker.processed}, ${worker.failed} of them failed`,
    `Memory    ${shortSize(worker.rss_bytes)}, event loop delayed by ${worker.loop_delay_ms} ms`,
    `Broker    ${describeBroker(worker.broker)}`,
    `Started   ${worker.started_at}`,
    `Seen      ${worker.beat_at}`,
    `Queues    ${worker.queues.join(", ")}`,
    `Tasks     ${worker.tasks.join(", ")}`,
    ...worker.jobs.map((job) => `Job ${job.id}  ${job.task} since ${job.started_at ?? "?"}`),
  ].map(printableLine);
}
