import { Worker as Thread } from "node:worker_threads";
import type { Logger } from "@millrace/kernel";
import type { BeaterSettings, FromBeater, ToBeater } from "./heartbeat-messages.ts";
import type { Heartbeat, HeartbeatListener } from "./heartbeat.ts";

/** A thread that dies as soon as it starts must not fill the log and the processor. */
const restartAfterMs = 1_000;

type Released = { readonly id: string; readonly fence: number };
type Held = { readonly fence: number; readonly sinceMs: number };

/** Beats from a thread that handlers can't block, over a connection of its own. */
export function createThreadedHeartbeat(parts: {
  readonly settings: BeaterSettings;
  readonly logger: Logger;
}): Heartbeat {
  let listener: HeartbeatListener | undefined;
  let thread: Thread | undefined;
  let restart: NodeJS.Timeout | undefined;
  let isStarted = false;
  const held = new Map<string, Held>();
  const untold = new Map<string, Held>();
  let isTelling = false;
  let released: Released[] = [];
  let telling: NodeJS.Timeout | undefined;

  const send = (message: ToBeater): void => thread?.postMessage(message);

  const onMessage = (message: FromBeater): void => {
    if (message.kind === "lost") listener?.onLost(message);
    else if (message.kind === "cancel_requested") listener?.onCancelRequested(message);
    else if (message.kind === "failed")
      parts.logger.warn({ reason: message.message }, "a heartbeat did not land");
  };

  const open = (): void => {
    const fresh = new Thread(new URL("./heartbeat-thread.ts", import.meta.url), {
      workerData: parts.settings,
    });
    thread = fresh;
    fresh.on("message", onMessage);
    fresh.on("error", (error) => {
      parts.logger.error({ err: error }, "the heartbeat thread died and is started again");
    });
    fresh.on("exit", () => {
      if (thread !== fresh) return;
      thread = undefined;
      restart = setTimeout(open, restartAfterMs);
    });
    for (const [id, job] of held) untold.set(id, job);
    released = [];
    tellHeld();
  };

  const tellHeld = (): void => {
    isTelling = false;
    const nowMs = performance.now();
    const jobs = [];
    for (const [id, job] of untold)
      if (held.get(id) === job) jobs.push({ id, fence: job.fence, ageMs: nowMs - job.sinceMs });
    untold.clear();
    if (jobs.length > 0) send({ kind: "hold", jobs });
  };

  const tellReleased = (): void => {
    if (released.length > 0) send({ kind: "release", jobs: released });
    released = [];
  };

  return {
    name: "heartbeat",
    start: async () => {
      if (isStarted) return;
      isStarted = true;
      open();
      telling = setInterval(tellReleased, Math.min(1_000, parts.settings.beatMs / 4));
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
    hold: ({ id, fence }) => {
      const job = { fence, sinceMs: performance.now() };
      held.set(id, job);
      untold.set(id, job);
      if (isTelling) return;
      isTelling = true;
      // Once for all of a claim, and before any of their handlers can block this thread.
      queueMicrotask(tellHeld);
    },
    release: ({ id, fence }) => {
      const job = held.get(id);
      if (job?.fence !== fence) return;
      held.delete(id);
      released.push({ id, fence });
    },
    listen: (given) => {
      listener = given;
    },
  };
}
