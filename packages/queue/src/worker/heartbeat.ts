import type { QueryAccess } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { CompiledQuery } from "kysely";
import { commit } from "../crash-point.ts";
import { beatStatement } from "./beat-statement.ts";
import type { BeatRow } from "./beat-statement.ts";

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
  /** Before the first of them runs. */
  readonly hold: (jobs: readonly Held[]) => void;
  readonly release: (job: Held) => void;
  readonly listen: (listener: HeartbeatListener) => void;
};

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
  let beating: Promise<void> | undefined;

  const beat = async (): Promise<void> => {
    const before = [...held];
    if (before.length === 0) return;
    const ids = before.map(([id]) => id);
    const fences = before.map(([, fence]) => fence);
    const statement = CompiledQuery.raw(beatStatement, [ids, fences, parts.times.leaseMs]);
    const answer = await commit("beat", () => parts.database.queryable.executeQuery<BeatRow>(statement));
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
        // While the database is busy one beat waits, not a queue of them.
        beating ??= beat()
          .catch((error: unknown) => {
            parts.logger.warn({ err: toError(error) }, "a heartbeat did not land");
          })
          .finally(() => {
            beating = undefined;
          });
      }, parts.times.beatMs);
    },
    stop: async () => {
      clearInterval(timer);
      timer = undefined;
      await beating;
    },
    hold: (jobs) => {
      for (const { id, fence } of jobs) held.set(id, fence);
    },
    release: (job) => {
      if (held.get(job.id) === job.fence) held.delete(job.id);
    },
    listen: (given) => {
      listener = given;
    },
  };
}
