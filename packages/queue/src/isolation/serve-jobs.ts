import { Worker as Thread } from "node:worker_threads";
import { MemoryStore, StoredCache } from "@millrace/cache";
import type { Cache } from "@millrace/cache";
import { openRelayed } from "@millrace/database";
import type { Database } from "@millrace/database";
import { ConcurrencyLimit, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { Hint } from "../brokers/broker.ts";
import { EventBus } from "../events/event-bus.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { TaskOverrides } from "../tasks/override-tasks.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { TaskRegistry } from "../tasks/task-registry.ts";
import { EventWriter } from "../worker/event-writer.ts";
import { endsAtOnce } from "../worker/record-end.ts";
import { executeJob } from "../worker/execute-job.ts";
import type { AwaitedExecution } from "../worker/execution.ts";
import { forwardBus } from "./forward-bus.ts";
import { HandlerWatch } from "./handler-watch.ts";
import { killOwnGroup } from "./kill-own-group.ts";
import { uncaughtExitCode } from "./messages.ts";
import type { FromJobChild, ToJobChild } from "./messages.ts";

/** The parent's end of the way, seen from the child: `process`, but for tests. */
type Parent = Pick<NodeJS.Process, "on" | "once" | "send" | "exit">;

/**
 * The main program of a child process that runs jobs for a worker: connects to the parent, makes the
 * handlers with the parent's database, and runs one job after another until it is told to end.
 * Resolves when it is ready for the first. An error that nothing catches ends the process: what it
 * leaves behind is unknown.
 */
export async function serveJobs(options: {
  readonly parent: Parent;
  readonly kind: Database["kind"];
  readonly logger: Logger;
  /** What settings change of the tasks: the same as in the worker. Default nothing. */
  readonly overrides?: TaskOverrides;
  /** Makes what the handlers need, and returns them with the way to end it. */
  readonly open: (
    database: Database,
    bus: EventBus,
  ) => Promise<{
    readonly handlers: readonly AnyTaskHandler[];
    /** What the handlers get. Default one in the memory of this process. */
    readonly cache?: Cache;
    readonly close: () => Promise<void>;
  }>;
}): Promise<void> {
  const { parent, logger } = options;
  const send = (message: FromJobChild): void => void parent.send?.(message);
  guardAgainstOrphanhood(parent);
  endWhenNothingCaught(parent, logger);
  const database = openParentsDatabase(parent, send, options.kind);
  const bus = new EventBus(logger);
  forwardBus(bus, send);
  const opened = await options.open(database, bus);
  const { handlers, close } = opened;
  const cache = opened.cache ?? new StoredCache({ store: new MemoryStore(), logger });
  const watch = new HandlerWatch();
  let wasStale = false;
  const parts = {
    database,
    bus,
    cache,
    logger,
    broker: { announce: (hint: Hint) => send({ kind: "announce", hint }) },
    registry: new TaskRegistry(
      handlers.map((handler) => watch.watched(handler)),
      { overrides: options.overrides ?? {} },
    ),
    writer: new EventWriter({ database, bus, logger }),
    ends: new ConcurrencyLimit(() => endsAtOnce),
    onStaleWrite: () => {
      wasStale = true;
    },
  };
  let execution: AwaitedExecution | undefined;

  const run = async (job: ClaimedJob): Promise<void> => {
    wasStale = false;
    send({ kind: "started" });
    execution = executeJob(parts, job, { ran: () => send({ kind: "ran" }) });
    await execution.done;
    execution = undefined;
    await parts.writer.settle();
    send({
      kind: "done",
      wasStale,
      isReusable: watch.isClean,
      residentBytes: process.memoryUsage.rss(),
    });
  };
  const end = async (): Promise<void> => {
    await close().catch((error: unknown) =>
      logger.warn({ err: toError(error) }, "a process that runs jobs could not close what it had open"),
    );
    parent.exit(0);
  };
  parent.on("message", (message: ToJobChild) => {
    if (message.kind === "run") void run(message.job);
    else if (message.kind === "stop") execution?.stop(message.reason);
    else if (message.kind === "end") void end();
  });
  send({ kind: "ready" });
}

/** Without a parent nobody holds the job's lease for us: whatever is under way is void. */
function guardAgainstOrphanhood(parent: Parent): void {
  parent.once("disconnect", killOwnGroup);
  new Thread(new URL("./orphan-guard-thread.ts", import.meta.url), {
    workerData: process.ppid,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4, codeRangeSizeMb: 8 },
  }).unref();
}

/** Hears also of promises that are rejected and that nobody waits for. */
function endWhenNothingCaught(parent: Parent, logger: Logger): void {
  parent.on("uncaughtException", (error) => {
    logger.error({ err: error }, "an error that nothing caught ends a process that runs jobs");
    parent.exit(uncaughtExitCode);
  });
}

function openParentsDatabase(
  parent: Parent,
  send: (message: FromJobChild) => void,
  kind: Database["kind"],
): Database {
  return openRelayed(
    {
      send: (message) => send({ kind: "database", message }),
      onMessage: (listener) =>
        void parent.on("message", (message: ToJobChild) => {
          if (message.kind === "database") listener(message.message);
        }),
    },
    kind,
  );
}
