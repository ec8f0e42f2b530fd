import { toError } from "@millrace/kernel";
import type { Service } from "@millrace/kernel";
import { fireNext, lookForDue } from "./fire-schedules.ts";
import type { FireParts, Look } from "./fire-schedules.ts";
import { realignSchedules } from "./realign.ts";

export type Scheduler = Service & {
  /** Looks at once: a schedule has changed. */
  readonly wake: () => void;
};

export type SchedulerOptions = {
  /** How often it looks for changes that nobody told it of. */
  readonly pollMs: number;
};

/** Until it looks again whether somebody else, who is at a schedule that is due, has dealt with it. */
const busyElsewhereMs = 100;
/** For how long a schedule that could not be dealt with stands back, so that the others get theirs. */
const asideMs = 30_000;
/** More than two clocks drift apart between two looks. */
const toleratedMs = 2_000;

/**
 * Makes the jobs of schedules when they are due. Any number may run, in any number of processes: each time gets
 * its job once. It sleeps until the next is due, or until the next poll.
 */
export function createScheduler(parts: FireParts, { pollMs }: SchedulerOptions): Scheduler {
  const stopping = new AbortController();
  const clock = new BackwardJumps();
  const asideUntil = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> | undefined;
  let isWoken = false;

  const aside = (): readonly string[] => {
    for (const [id, until] of asideUntil) if (until <= performance.now()) asideUntil.delete(id);
    return [...asideUntil.keys()];
  };

  /** Whether it dealt with one. */
  const fireOne = async (): Promise<boolean> => {
    let locked: string | undefined;
    try {
      return (await fireNext(parts, { aside: aside(), onLocked: (id) => (locked = id) })) !== undefined;
    } catch (error) {
      if (locked === undefined) throw error;
      asideUntil.set(locked, performance.now() + asideMs);
      parts.logger.warn({ err: toError(error), schedule: locked }, "a schedule could not be dealt with");
      return true;
    }
  };

  /** Fires what is due, and returns after which time to look again. */
  const work = async (): Promise<number> => {
    while (!stopping.signal.aborted) {
      const look = await lookForDue(parts, aside());
      if (clock.hasJumped(look)) await realignSchedules(parts.database, parts.clock);
      if (look.waitMs === null || look.waitMs > 0) return Math.min(look.waitMs ?? pollMs, pollMs);
      if (!(await fireOne())) return busyElsewhereMs;
    }
    return pollMs;
  };

  const runTurn = async (): Promise<void> => {
    isWoken = false;
    const waitMs = await work().catch((error: unknown) => {
      parts.logger.warn({ err: toError(error) }, "the scheduler could not look this time");
      return pollMs;
    });
    turn = undefined;
    sleepFor(isWoken ? 0 : waitMs);
  };

  const sleepFor = (ms: number): void => {
    if (stopping.signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      turn = runTurn();
    }, Math.ceil(ms));
  };

  return {
    name: "scheduler",
    start: async () => {
      if (timer === undefined) sleepFor(0);
    },
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      await turn;
    },
    wake: () => {
      isWoken = true;
      if (timer !== undefined && turn === undefined) sleepFor(0);
    },
  };
}

/** Notices that the database's clock went back, or may have before the first look. */
class BackwardJumps {
  #last: { readonly nowMs: number; readonly atMs: number } | undefined;

  hasJumped({ nowMs }: Look): boolean {
    const atMs = performance.now();
    const last = this.#last;
    this.#last = { nowMs, atMs };
    return last === undefined || nowMs - last.nowMs < atMs - last.atMs - toleratedMs;
  }
}
