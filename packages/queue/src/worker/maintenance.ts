import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { expireJobs, promoteDueJobs } from "../jobs/promote.ts";
import { reapJobs } from "../jobs/reap.ts";
import type { ReapParts } from "../jobs/reap.ts";
import { defaultRetention, pruneHistory } from "../retention/prune.ts";
import { beatWorker } from "./worker-row.ts";
import { ClockGuard, readDatabaseMs } from "./clock-guard.ts";

const defaultReapEveryMs = 10_000;
const pruneEveryMs = 3_600_000;

export type MaintenanceOptions = {
  readonly pollMs: number;
  readonly leaseMs: number;
  readonly workerId: string;
  /** How often dead workers are looked for, and this one is said to live. Default 10 s. */
  readonly reapEveryMs?: number;
  /**
   * In embedded mode every running job is of this process, whose blocked loop may let a lease run
   * out: what still runs here is left. With PostgreSQL a lost lease is lost: nothing is left.
   */
  readonly isHeld: (jobId: string) => boolean;
};

/**
 * What any worker does for all: due jobs to their queues, late ones expired, dead workers' jobs
 * taken back, history bounded. Any number of processes may do it at once.
 */
export function createMaintenance(
  parts: ReapParts & { readonly logger: Logger },
  options: MaintenanceOptions,
): Service {
  const clock = new ClockGuard(() => readDatabaseMs(parts.database), options.leaseMs);
  const reapEveryMs = options.reapEveryMs ?? defaultReapEveryMs;
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let reapedAtMs = performance.now();
  let prunedAtMs = performance.now() - pruneEveryMs + 60_000;

  // What one chore finds wrong must not keep the others from theirs.
  const attempt = async (chore: string, work: () => Promise<unknown>): Promise<void> => {
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      parts.logger.warn({ err: toError(error), chore }, "queue maintenance failed this time");
    }
  };

  const reap = async (): Promise<void> => {
    if (await clock.isSane()) {
      await reapJobs(parts, "expired_leases", { isHeld: options.isHeld, signal });
    }
  };

  const once = async (): Promise<void> => {
    await attempt("promote", () => promoteDueJobs(parts));
    await attempt("expire", () => expireJobs(parts, signal));
    const nowMs = performance.now();
    if (nowMs - reapedAtMs >= reapEveryMs) {
      reapedAtMs = nowMs;
      await attempt("beat", () => beatWorker(parts.database, options.workerId));
      await attempt("reap", reap);
    }
    if (nowMs - prunedAtMs >= pruneEveryMs) {
      prunedAtMs = nowMs;
      await attempt("prune", () => pruneHistory(parts.database, defaultRetention, signal));
    }
  };

  const schedule = (): void => {
    if (signal.aborted) return;
    timer = setTimeout(() => {
      turn = once().then(schedule);
    }, options.pollMs);
  };

  return {
    name: "queue maintenance",
    start: async () => {
      if (timer === undefined) schedule();
    },
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      await turn;
    },
  };
}
