import { lookOf } from "../workers/worker-silence.ts";
import type { WatchedWorker } from "../workers/worker-silence.ts";

/** Whether a worker is heard of: neither lost nor stopped. */
export function isPresent(worker: WatchedWorker): boolean {
  const look = lookOf(worker);
  return look !== "lost" && look !== "stopped";
}
