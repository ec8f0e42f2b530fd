import { invalidReserves } from "../errors.ts";

/** With fewer slots for each queue, an idle one for each would cost more than it gives. */
const slotsForOneReserved = 4;

export type SlotReserves = Readonly<Record<string, number>>;

/**
 * The slots of a worker, and which of them a queue may fill: some are kept for each of the other queues, so that
 * long jobs of one never make those of another wait.
 */
export class Slots {
  readonly #queues: readonly string[];
  readonly #wanted: SlotReserves;
  readonly #busy = new Map<string, number>();
  #count: number;
  #reserves: ReadonlyMap<string, number>;
  #busyAll = 0;

  /**
   * `reserves`: how many only this queue may take, by queue; default one where there are four slots or more for each
   * of several queues, else none. Reserves that leave a queue nothing to take are not kept.
   */
  constructor(queues: readonly string[], count: number, reserves: SlotReserves = {}) {
    this.#queues = queues;
    this.#wanted = reserves;
    this.#count = count;
    this.#reserves = this.#share();
  }

  get count(): number {
    return this.#count;
  }

  get busy(): number {
    return this.#busyAll;
  }

  resize(count: number): void {
    this.#count = count;
    this.#reserves = this.#share();
  }

  take(queue: string): void {
    this.#add(queue, 1);
  }

  leave(queue: string): void {
    this.#add(queue, -1);
  }

  /** Of so many free slots, those that are not kept for other queues. */
  freeFor(queue: string, free: number): number {
    let kept = 0;
    for (const [other, reserve] of this.#reserves) {
      if (other !== queue) kept += Math.max(0, reserve - this.#busyOf(other));
    }
    return Math.max(0, free - kept);
  }

  #add(queue: string, change: number): void {
    this.#busy.set(queue, this.#busyOf(queue) + change);
    this.#busyAll += change;
  }

  #busyOf(queue: string): number {
    return this.#busy.get(queue) ?? 0;
  }

  #share(): ReadonlyMap<string, number> {
    const queues = this.#queues;
    const byDefault = queues.length > 1 && this.#count >= slotsForOneReserved * queues.length ? 1 : 0;
    const reserves = queues.map((queue) => [queue, this.#wanted[queue] ?? byDefault] as const);
    return new Map(
      fits(
        reserves.map(([, reserve]) => reserve),
        this.#count,
      )
        ? reserves
        : [],
    );
  }
}

/** Throws `invalid_reserves` for what can't be kept of so many slots, or is for a queue that is not served. */
export function assertReserves(options: {
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly reserves?: SlotReserves;
}): void {
  const { queues, concurrency, reserves = {} } = options;
  const isSound = Object.entries(reserves).every(
    ([queue, reserve]) => queues.includes(queue) && Number.isInteger(reserve) && reserve >= 0,
  );
  const wanted = queues.map((queue) => reserves[queue] ?? 0);
  if (!isSound || (Object.keys(reserves).length > 0 && !fits(wanted, concurrency)))
    throw invalidReserves(reserves, concurrency);
}

/** Whether every queue has a slot that it may take, one of its own or one that nobody has. */
function fits(reserves: readonly number[], count: number): boolean {
  const kept = reserves.reduce((sum, reserve) => sum + reserve, 0);
  return kept < count || (kept === count && !reserves.includes(0));
}
