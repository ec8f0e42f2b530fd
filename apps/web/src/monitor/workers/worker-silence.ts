import type { Worker } from "@millrace/contracts";

/** A worker, and for how long nothing was heard of it. */
export type WatchedWorker = Worker & {
  /** By this browser's clock: when its latest beat was seen first. */
  readonly beatSeenMs: number;
  readonly silentMs: number;
};

/**
 * For how long each worker was silent. Clocks of servers and browsers differ, so moments of the one are
 * never compared with moments of the other: what counts is how long the same beat has been seen here,
 * and how far it is behind the newest beat of any worker. A first look with one worker alone knows
 * nothing yet.
 */
export function withSilence(
  before: readonly WatchedWorker[] | undefined,
  workers: readonly Worker[],
  nowMs: number,
): WatchedWorker[] {
  const known = new Map(before?.map((worker) => [worker.id, worker]));
  const newestBeatMs = Math.max(...workers.map(({ beat_at }) => Date.parse(beat_at)));
  return workers.map((worker) => {
    const earlier = known.get(worker.id);
    const beatSeenMs = earlier?.beat_at === worker.beat_at ? earlier.beatSeenMs : nowMs;
    const silentMs = Math.max(nowMs - beatSeenMs, newestBeatMs - Date.parse(worker.beat_at));
    return { ...worker, beatSeenMs, silentMs };
  });
}

export type WorkerLook = "running" | "draining" | "stopping" | "late" | "lost" | "stopped";

/** A worker beats every 10 s, and this page asks every 5 s: later than both together is late. */
const lateAfterMs = 15_500;
/** Two beats are missing. The server itself waits for a minute before it calls a worker silent. */
const lostAfterMs = 25_000;

/** What to show of a worker: its state, or that nothing is heard of it. */
export function lookOf(worker: WatchedWorker): WorkerLook {
  if (worker.stopped_at !== null || worker.display_state === "stopped") return "stopped";
  if (worker.display_state === "silent" || worker.silentMs >= lostAfterMs) return "lost";
  return worker.silentMs >= lateAfterMs ? "late" : worker.display_state;
}

/** A lost worker is shown among the others for that long, so that nobody misses it. */
const lostShownMs = 10 * 60_000;

/** Whether a worker is a thing of the past: it stopped, or was lost a while ago. */
export function isGone(worker: WatchedWorker): boolean {
  const look = lookOf(worker);
  return look === "stopped" || (look === "lost" && worker.silentMs > lostShownMs);
}
