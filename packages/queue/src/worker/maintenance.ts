import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { expireJobs, promoteDueJobs } from "../jobs/promote.ts";
import { reapJobs } from "../jobs/reap.ts";
import type { ReapParts } from "../jobs/reap.ts";
import { defaultRetention, pruneHistory } from "../retention/prune.ts";
import { beatWorker } from "./worker-row.ts";
import { ClockGuard } from "./clock-guard.ts";

const reapEveryMs = 10_000;
const pruneEveryMs = 3_600_000;

export type MaintenanceOptions = {
  readonly pollMs: number;
  readonly leaseMs: number;
  readonly workerId: string;
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
  const clock = new ClockGuard(parts.database, options.leaseMs);
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let isStopped = false;
  let reapedAtMs = performance.now();
  let prunedAtMs = performance.now() - pruneEveryMs + 60_000;

  const once = async (): Promise<void> => {
    await promoteDueJobs(parts);
    await expireJobs(parts);
    const nowMs = performance.now();
    if (nowMs - reapedAtMs >= reapEveryMs) {
      reapedAtMs = nowMs;
      await beatWorker(parts.database, options.workerId);
      if (await clock.isSane()) await reapJobs(parts, "expired_leases", options.isHeld);
    }
    if (nowMs - prunedAtMs >= pruneEveryMs) {
      prunedAtMs = nowMs;
      await pruneHistory(parts.database, defaultRetention);
    }
  };

  const schedule = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      turn = once()
        .catch((error: unknown) =>
          parts.logger.warn({ err: toError(error) }, "queue maintenance failed this time"),
        )
        .then(schedule);
    }, options.pollMs);
  };

  return {
    name: "queue maintenance",
    start: async () => {
      if (timer === undefined) schedule();
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
