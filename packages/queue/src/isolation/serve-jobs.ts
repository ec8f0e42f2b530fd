import { openRelayed } from "@millrace/database";
import type { Database } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Logger, StopReason } from "@millrace/kernel";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { TaskRegistry } from "../tasks/task-registry.ts";
import { EventBus } from "../events/event-bus.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { EventWriter } from "../worker/event-writer.ts";
import { executeJob } from "../worker/execute-job.ts";
import type { Execution } from "../worker/execute-job.ts";
import type { FromJobChild, ToJobChild } from "./messages.ts";

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
  const bus = new EventBus();
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
  const run = async (execution: Execution): Promise<void> => {
    await execution.done;
    await parts.writer.settle();
    await close();
    send({ kind: "done", wasStale });
    parent.disconnect?.();
    parent.exit(0);
  };
  let execution: Execution | undefined;
  let stopped: StopReason | undefined;
  parent.on("message", (message: ToJobChild) => {
    if (message.kind === "run") {
      execution = executeJob(parts, message.job satisfies ClaimedJob);
      if (stopped !== undefined) execution.stop(stopped);
      run(execution).catch((error: unknown) => {
        logger.error({ err: toError(error) }, "a job's own process failed");
        parent.exit(1);
      });
    } else if (message.kind === "stop") {
      stopped = message.reason;
      execution?.stop(message.reason);
    }
  });
  send({ kind: "ready" });
}
