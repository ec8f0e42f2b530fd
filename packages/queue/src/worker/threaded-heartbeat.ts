import { Worker as Thread } from "node:worker_threads";
import type { Logger } from "@millrace/kernel";
import type { BeaterSettings, FromBeater, ToBeater } from "./heartbeat-messages.ts";
import { HeldJobs } from "./held-jobs.ts";
import type { Heartbeat, HeartbeatListener } from "./heartbeat.ts";

/** A thread that dies as soon as it starts must not fill the log and the processor. */
const restartAfterMs = 1_000;

/** Beats from a thread that handlers can't block, over a connection of its own. */
export function createThreadedHeartbeat(parts: {
  readonly settings: BeaterSettings;
  readonly logger: Logger;
}): Heartbeat {
  let listener: HeartbeatListener | undefined;
  let thread: Thread | undefined;
  let restart: NodeJS.Timeout | undefined;
  let isStarted = false;
  let doesLand = true;
  let telling: NodeJS.Timeout | undefined;

  const send = (message: ToBeater): void => thread?.postMessage(message);
  const held = new HeldJobs(send);

  const onMessage = (message: FromBeater): void => {
    if (message.kind === "lost") listener?.onLost(message);
    else if (message.kind === "cancel_requested") listener?.onCancelRequested(message);
    else if (message.kind === "landed") held.landed(message.sentAtMs);
    else if (message.kind === "landing") doesLand = message.isSo;
    else if (message.kind === "failed")
      parts.logger.warn({ reason: message.message }, "a heartbeat did not land");
    // A new thread has sent none yet.
    else doesLand = true;
  };

  /** Resolves when the thread beats, or has died. */
  const open = async (): Promise<void> => {
    const fresh = new Thread(new URL("./heartbeat-thread.ts", import.meta.url), {
      workerData: parts.settings,
    });
    thread = fresh;
    fresh.on("message", onMessage);
    fresh.on("error", (error) => {
      parts.logger.error({ err: error }, "the heartbeat thread died and is started again");
    });
    const opened = Promise.withResolvers<void>();
    // The first that it says is that it is ready.
    fresh.once("message", () => opened.resolve());
    fresh.on("exit", () => {
      opened.resolve();
      if (thread !== fresh) return;
      thread = undefined;
      restart = setTimeout(() => void open(), restartAfterMs);
    });
    held.tellAll();
    await opened.promise;
  };

  return {
    name: "heartbeat",
    start: async () => {
      if (isStarted) return;
      isStarted = true;
      // To load a thread takes as much of the processor as thousands of jobs: before the first of them.
      const opening = open();
      telling = setInterval(() => held.tellEnded(), Math.min(1_000, parts.settings.beatMs / 4));
      await opening;
    },
    stop: async () => {
      isStarted = false;
      clearTimeout(restart);
      clearInterval(telling);
      const ending = thread;
      thread = undefined;
      // Not asked to end: with a connection on its way, or one to a dead network, it could not.
      await ending?.terminate();
    },
    hold: (jobs, ageMs) => held.hold(jobs, ageMs),
    release: (job) => held.release(job),
    listen: (given) => {
      listener = given;
    },
    get doesLand() {
      return doesLand;
    },
  };
}
