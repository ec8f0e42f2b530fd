import type { Queue, Worker } from "@millrace/contracts";
import type { Point } from "../parts/sparkline.tsx";

/** How things stood at one moment, for the lines of the overview. */
export type Sample = {
  /** By this browser's clock. */
  readonly atMs: number;
  readonly queued: number;
  readonly oldestWaitSeconds: number;
  readonly running: number;
  readonly finishedPerMinute: number;
  /** Attempts that failed since the first sample. */
  readonly failed: number;
  /** What each worker said of its failures, to count what came since. */
  readonly failedOf: ReadonlyMap<string, number>;
};

/** Closer together they say nothing new: notices make the page ask more often than this. */
const minDistanceMs = 4500;
const keptMs = 10 * 60_000;

/** The samples with one more; old ones go. Within a few seconds the newest is replaced. */
export function withSample(
  before: readonly Sample[],
  { all, queues, workers }: { all: Queue; queues: readonly Queue[]; workers: readonly Worker[] },
  atMs: number,
): Sample[] {
  const last = before.at(-1);
  // A worker that was not known has not failed here: its count may be of days.
  const newFailures = workers.reduce(
    (sum, { id, failed }) => sum + Math.max(0, failed - (last?.failedOf.get(id) ?? failed)),
    0,
  );
  const sample: Sample = {
    atMs,
    queued: all.counts.queued ?? 0,
    oldestWaitSeconds: Math.max(0, ...queues.map((queue) => queue.oldest_wait_seconds ?? 0)),
    running: all.running,
    finishedPerMinute: all.finished_per_minute,
    failed: (last?.failed ?? 0) + newFailures,
    failedOf: new Map(workers.map(({ id, failed }) => [id, failed])),
  };
  const previous = before.at(-2);
  const replacesLast =
    last !== undefined && previous !== undefined && last.atMs - previous.atMs < minDistanceMs;
  const kept = (replacesLast ? before.slice(0, -1) : before).filter((one) => atMs - one.atMs <= keptMs);
  return [...kept, sample];
}

const minuteMs = 60_000;

/** Failed attempts per minute at each sample, over the minute before it. The first one knows nothing. */
export function failureRates(samples: readonly Sample[]): Point[] {
  let start = 0;
  return samples.slice(1).map((sample) => {
    while ((samples[start + 1]?.atMs ?? Number.POSITIVE_INFINITY) <= sample.atMs - minuteMs) start += 1;
    const from = samples[start] ?? sample;
    // Shorter spans are not blown up to a minute: one failure in a second is no sixty.
    const spanMs = Math.max(minuteMs, sample.atMs - from.atMs);
    return { atMs: sample.atMs, value: ((sample.failed - from.failed) * minuteMs) / spanMs };
  });
}
