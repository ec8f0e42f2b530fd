import type { QueryAccess } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { sql } from "kysely";

type Held = { readonly id: string; readonly fence: number };

/** Told of one claim of a job: by the time it is told, the same process may hold the job anew. */
export type HeartbeatListener = {
  /** The job is no longer ours: stop, write nothing more. */
  readonly onLost: (held: Held) => void;
  readonly onCancelRequested: (held: Held) => void;
};

export type LeaseTimes = {
  /** How long a worker may be silent before its jobs are taken back. */
  readonly leaseMs: number;
  readonly beatMs: number;
};

/** Extends the leases of everything that a process runs, with one statement per beat. */
export type Heartbeat = Service & {
  readonly hold: (job: Held) => void;
  readonly release: (job: Held) => void;
  readonly listen: (listener: HeartbeatListener) => void;
};

export type Beat = { readonly id: string; readonly is_cancel_requested: boolean };

/** The statement of a beat. A job that is not in the answer is no longer held. */
export function beatStatement(ids: readonly string[], fences: readonly number[], leaseMs: number) {
  return sql<Beat>`
    UPDATE job SET lease_until = now() + ${leaseMs}::double precision * interval '1 millisecond'
    FROM unnest(${[...ids]}::uuid[], ${[...fences]}::bigint[]) AS mine (id, fence)
    WHERE job.id = mine.id AND job.fence = mine.fence AND job.state = 'running'
    RETURNING job.id, job.cancel_requested_at IS NOT NULL AS is_cancel_requested`;
}

/**
 * Beats from the main thread: for embedded mode, where no other process could take a job away, so
 * that a blocked loop loses nothing. With PostgreSQL the beats come from a thread of their own.
 */
export function createLocalHeartbeat(parts: {
  readonly database: QueryAccess;
  readonly logger: Logger;
  readonly times: LeaseTimes;
}): Heartbeat {
  const held = new Map<string, number>();
  let listener: HeartbeatListener | undefined;
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> = Promise.resolve();

  const beat = async (): Promise<void> => {
    const before = [...held];
    if (before.length === 0) return;
    const ids = before.map(([id]) => id);
    const fences = before.map(([, fence]) => fence);
    const answer = await beatStatement(ids, fences, parts.times.leaseMs).execute(parts.database.queryable);
    const alive = new Map(answer.rows.map((row) => [row.id, row]));
    for (const [id, fence] of before) {
      if (held.get(id) !== fence) continue;
      const row = alive.get(id);
      if (row === undefined) listener?.onLost({ id, fence });
      else if (row.is_cancel_requested) listener?.onCancelRequested({ id, fence });
    }
  };

  return {
    name: "heartbeat",
    start: async () => {
      timer ??= setInterval(() => {
        beating = beat().catch((error: unknown) => {
          parts.logger.warn({ err: toError(error) }, "a heartbeat did not land");
        });
      }, parts.times.beatMs);
    },
    stop: async () => {
      clearInterval(timer);
      timer = undefined;
      await beating;
    },
    hold: (job) => void held.set(job.id, job.fence),
    release: (job) => {
      if (held.get(job.id) === job.fence) held.delete(job.id);
    },
    listen: (given) => {
      listener = given;
    },
  };
}
