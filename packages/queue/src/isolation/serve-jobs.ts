import { Worker as Thread } from "node:worker_threads";
import { openRelayed } from "@millrace/database";
import type { Database } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { TaskRegistry } from "../tasks/task-registry.ts";
import { EventBus } from "../events/event-bus.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { AttemptStop } from "../worker/attempt-stop.ts";
import { EventWriter } from "../worker/event-writer.ts";
import { executeJob } from "../worker/execute-job.ts";
import type { FromJobChild, ToJobChild } from "./messages.ts";

/** What one job's process is told by its worker, which may come before it is ready to listen. */
type Orders = { readonly job: Promise<ClaimedJob>; readonly attempt: AttemptStop };

/** The parent's end of the way, seen from the child: `process`, but for tests. */
type Parent = Pick<NodeJS.Process, "on" | "once" | "send" | "disconnect" | "exit">;

/**
 * The main loop of a child process that runs one job for a worker: connects to the parent, makes
 * the handlers with the parent's database, runs the job it is given, and ends.
 */
export async function serveOneJob(options: {
  readonly parent: Parent;
  readonly kind: Database["kind"];
  readonly logger: Logger;
  /** Makes what the handlers need, and returns them with the way to end it. */
  readonly open: (
    database: Database,
    bus: EventBus,
  ) => Promise<{
    readonly handlers: readonly AnyTaskHandler[];
    readonly close: () => Promise<void>;
  }>;
}): Promise<void> {
  const { parent, logger } = options;
  const send = (message: FromJobChild): void => void parent.send?.(message);
  // Without a parent nobody holds the job's lease for us: whatever is under way is void.
  parent.once("disconnect", () => parent.exit(1));
  guardAgainstOrphanhood();
  const database = openRelayed(
    {
      send: (message) => send({ kind: "database", message }),
      onMessage: (listener) =>
        void parent.on("message", (message: ToJobChild) => {
          if (message.kind === "database") listener(message.message);
        }),
    },
    options.kind,
  );
  const orders = takeOrders(parent);
  const bus = new EventBus(logger);
  bus.onEvents((events) => send({ kind: "events", events }));
  bus.onNotice((notice) => send({ kind: "notice", notice }));
  const { handlers, close } = await options.open(database, bus);
  let wasStale = false;
  const parts = {
    database,
    bus,
    logger,
    broker: {
      announce: (queue: string) => send({ kind: "announce", queue }),
      subscribe: () => () => undefined,
    },
    registry: new TaskRegistry(handlers),
    writer: new EventWriter({ database, bus, logger }),
    onStaleWrite: () => {
      wasStale = true;
    },
  };
  send({ kind: "ready" });
  const execution = executeJob(parts, await orders.job);
  orders.attempt.onStop((reason) => execution.stop(reason));
  await execution.done;
  await parts.writer.settle();
  await close();
  send({ kind: "done", wasStale });
  parent.disconnect?.();
  parent.exit(0);
}

function takeOrders(parent: Parent): Orders {
  const given = Promise.withResolvers<ClaimedJob>();
  const attempt = new AttemptStop();
  parent.on("message", (message: ToJobChild) => {
    if (message.kind === "run") given.resolve(message.job);
    else if (message.kind === "stop") attempt.stop(message.reason);
  });
  return { job: given.promise, attempt };
}

function guardAgainstOrphanhood(): void {
  new Thread(new URL("./orphan-guard-thread.ts", import.meta.url), {
    workerData: process.ppid,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4, codeRangeSizeMb: 8 },
  }).unref();
}
