import type { QueryAccess } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { CompiledQuery } from "kysely";
import { commit } from "../crash-point.ts";
import { beatStatement } from "./beat-statement.ts";
import type { BeatRow } from "./beat-statement.ts";
import { Beats, giveUpAfterMs, lookEveryMs } from "./beats.ts";

/** One claim of a job. */
export type Held = { readonly id: string; readonly fence: number };

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
  /** Before the first of them runs. `ageMs`: how long ago their claim was sent, since their leases may be as old. */
  readonly hold: (jobs: readonly Held[], ageMs: number) => void;
  readonly release: (job: Held) => void;
  readonly listen: (listener: HeartbeatListener) => void;
  /**
   * False when beats have failed for so long that a claim is given up: to claim more would end as that did. True
   * again with the first that lands.
   */
  readonly doesLand: boolean;
};

/**
 * Beats from the main thread, over its connections. In embedded mode no other process could take a job away:
 * nothing is given up, so that a blocked loop loses nothing. With PostgreSQL a thread of its own beats better.
 */
export function createLocalHeartbeat(parts: {
  readonly database: QueryAccess;
  readonly logger: Logger;
  readonly times: LeaseTimes;
  /** Whether nobody else can take a job. */
  readonly isAlone: boolean;
}): Heartbeat {
  const { leaseMs, beatMs } = parts.times;
  let listener: HeartbeatListener | undefined;
  let timers: readonly NodeJS.Timeout[] = [];
  let beating: Promise<void> | undefined;

  const beats = new Beats({
    send: async (ids, fences) => {
      const statement = CompiledQuery.raw(beatStatement, [ids, fences, leaseMs]);
      return (await commit("beat", () => parts.database.queryable.executeQuery<BeatRow>(statement))).rows;
    },
    giveUpAfterMs: parts.isAlone ? Number.POSITIVE_INFINITY : giveUpAfterMs(leaseMs),
    listener: () => listener,
  });

  const beat = async (): Promise<void> => {
    try {
      await beats.beat();
    } catch (error) {
      parts.logger.warn({ err: toError(error) }, "a heartbeat did not land");
    } finally {
      beating = undefined;
    }
  };

  return {
    name: "heartbeat",
    start: async () => {
      if (timers.length > 0) return;
      timers = [
        // While the database is busy one beat waits, not a queue of them.
        setInterval(() => void (beating ??= beat()), beatMs),
        setInterval(() => beats.giveUpSilent(), lookEveryMs(beatMs)),
      ];
    },
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      timers = [];
      await beating;
    },
    hold: (jobs, ageMs) => {
      for (const job of jobs) beats.hold(job, ageMs);
    },
    release: (job) => beats.release(job),
    listen: (given) => {
      listener = given;
    },
    get doesLand() {
      return beats.doLand;
    },
  };
}
