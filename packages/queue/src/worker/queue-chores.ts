import type { Database } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import type { QueueControl } from "../control/queue-control.ts";
import { rollUpCounts } from "../counts/count-jobs.ts";
import { expireJobs, promoteDueJobs } from "../jobs/promote.ts";
import { realignQueued } from "../jobs/realign-queued.ts";
import { pruneLimiters } from "../limits/limiter-rows.ts";
import { mostReleased } from "../limits/release-parked.ts";
import { reapJobs } from "../jobs/reap.ts";
import type { ReapOptions, ReapParts } from "../jobs/reap.ts";
import { pruneTicks } from "../schedules/prune-ticks.ts";
import { defaultRetention, pruneHistory } from "../retention/prune.ts";
import { vacuumEmbedded } from "../retention/vacuum-embedded.ts";
import { warnOfOldSnapshot } from "../retention/warn-of-old-snapshot.ts";
import { stopAllMembers } from "../workflows/stop-members.ts";
import { ClockGuard, readDatabaseMs } from "./clock-guard.ts";
import type { Chore } from "./maintenance.ts";
import { UpkeepTurn } from "./upkeep-turn.ts";
import { workerBeatMs } from "./worker-row.ts";
import type { Worker } from "./worker.ts";

const second = 1_000;
const hour = 3_600 * second;

export type ChoreParts = ReapParts & {
  readonly whole: Database;
  readonly control: QueueControl;
  readonly logger: Logger;
  /** Told of jobs that run and are to stop. Default: they hear of it with their next beat. */
  readonly onCancelRequested?: (id: string) => void;
};

export type ChoreOptions = {
  readonly pollMs: number;
  readonly leaseMs: number;
  /** How often dead workers are looked for. Default 10 s. */
  readonly reapEveryMs?: number;
  /**
   * In embedded mode every running job is of this process, whose blocked loop may let a lease run
   * out: what still runs here is left. With PostgreSQL a lost lease is lost: nothing is left.
   */
  readonly isHeld: (jobId: string) => boolean;
  readonly onLost: NonNullable<ReapOptions["onLost"]>;
  /** Whether this worker is the one that does for all what it is enough that one does. */
  readonly turn?: UpkeepTurn;
};

/**
 * What one worker does for all: due jobs to their queues, late ones expired, counts summed up, history bounded,
 * and a look at what slows the database down. Dead workers' jobs are taken back by whoever sees it first.
 */
export function queueChores(parts: ChoreParts, options: ChoreOptions): readonly Chore[] {
  const clock = new ClockGuard(() => readDatabaseMs(parts.database), options.leaseMs);
  const { pollMs: everyPoll, turn = new UpkeepTurn() } = options;
  const stopping = { onCancelRequested: () => undefined, ...parts };
  const reap: Chore = {
    name: "reap",
    everyMs: options.reapEveryMs ?? 10 * second,
    run: async (signal) => {
      if (!(await clock.isSane())) return;
      await reapJobs(parts, "expired_leases", { isHeld: options.isHeld, signal, onLost: options.onLost });
    },
  };
  const forAll: readonly Chore[] = [
    {
      name: "promote",
      everyMs: everyPoll,
      run: async (signal) => (await promoteDueJobs(parts, signal)).hasMore,
    },
    {
      name: "realign queued jobs",
      everyMs: 10 * second,
      run: (signal) => realignQueued(parts.database, signal),
    },
    { name: "expire", everyMs: everyPoll, run: async (signal) => (await expireJobs(parts, signal)).hasMore },
    { name: "stop workflows", everyMs: everyPoll, run: (signal) => stopAllMembers(stopping, signal) },
    { name: "end pauses", everyMs: everyPoll, run: () => parts.control.endPastPauses() },
    { name: "roll up counts", everyMs: everyPoll, run: (signal) => rollUpCounts(parts.database, signal) },
    {
      name: "look for old snapshots",
      everyMs: 60 * second,
      // Until then who looks for alarms has looked.
      firstMs: 60 * second,
      run: () => warnOfOldSnapshot(parts.whole, parts.logger),
    },
    {
      name: "prune",
      everyMs: 60 * second,
      run: async (signal) =>
        (await pruneHistory(parts.database, { ...defaultRetention, spareDays: 1 }, signal)).hasMore,
    },
    { name: "prune schedule runs", everyMs: hour, run: () => pruneTicks(parts.database) },
    { name: "prune limiters", everyMs: hour, run: async () => (await pruneLimiters(parts.database)).hasMore },
    {
      name: "vacuum",
      everyMs: hour,
      firstMs: 120 * second,
      run: (signal) => vacuumEmbedded(parts.whole, signal),
    },
  ];
  return [reap, ...forAll.map((chore) => turn.whenMine(chore))];
}

/** How soon jobs go on that waited for a limit that somebody has taken away. */
const releaseEveryMs = 10 * second;

/**
 * What a worker does for itself, with its own view of the limits. How it is and what people want of it do not
 * wait for a long chore: it would be taken for dead.
 */
export function workerChores(
  worker: Pick<Worker, "beat" | "refreshLimits" | "releaseParked" | "upkeep">,
  { pollMs }: { readonly pollMs: number },
): readonly Chore[] {
  return [
    { name: "beat", everyMs: Math.min(pollMs, workerBeatMs), isApart: true, run: () => worker.beat() },
    { name: "refresh limits", everyMs: pollMs, isApart: true, run: () => worker.refreshLimits() },
    worker.upkeep.whenMine({
      name: "release parked jobs",
      everyMs: releaseEveryMs,
      run: async (signal) => (await worker.releaseParked(signal)) >= mostReleased,
    }),
  ];
}
