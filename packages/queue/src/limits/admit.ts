/** A job that could start now but for the limits it has to pass. */
export type Candidate = {
  readonly id: string;
  readonly priority: number;
  /** The limiter in whose line it stands; null when it is queued. */
  readonly parkedBy: string | null;
  /** All that it has to pass. */
  readonly limiterKeys: readonly string[];
};

/** What a limiter allows now; undefined where it sets no limit of that kind. */
export type Room = {
  /** Starts that its rate allows: a job takes a whole token. */
  readonly tokens: number | undefined;
  /** Jobs that may run besides those that do. */
  readonly slots: number | undefined;
  /**
   * While jobs wait in its line: a queued job passes them only with a higher priority than this, or it
   * takes its place among them first, which is where the fair share holds.
   */
  readonly linePriority: number | undefined;
};

export type Parking = {
  readonly id: string;
  readonly limiter: string;
  readonly reason: "rate_limit" | "concurrency_limit";
};

export type Admission = {
  /** Ids, in the order of the candidates; at most as many as wanted. */
  readonly admitted: readonly string[];
  /** Jobs that are to wait in a line that they do not stand in yet. */
  readonly parked: readonly Parking[];
  /** Starts by limiter. */
  readonly started: ReadonlyMap<string, number>;
};

/**
 * Decides which candidates start, in their order, and where the others wait. A job starts when every
 * limiter it has to pass has room, and takes from all of them; one that any of them holds takes from
 * none and waits for the first that holds it. What could start when no more are wanted is left as it is.
 */
export function admit(
  candidates: readonly Candidate[],
  rooms: ReadonlyMap<string, Room>,
  wanted: number,
): Admission {
  const left = new Map(rooms);
  const admitted: string[] = [];
  const parked: Parking[] = [];
  const started = new Map<string, number>();
  for (const candidate of candidates) {
    const { id, parkedBy, limiterKeys } = candidate;
    const closed = limiterKeys.find((key) => !lets(left.get(key), candidate));
    if (closed !== undefined) {
      if (parkedBy !== closed) parked.push({ id, limiter: closed, reason: reasonOf(left.get(closed)) });
      continue;
    }
    if (admitted.length >= wanted) continue;
    admitted.push(id);
    for (const key of limiterKeys) {
      take(left, key);
      started.set(key, (started.get(key) ?? 0) + 1);
    }
  }
  return { admitted, parked, started };
}

function lets(room: Room | undefined, { priority, parkedBy }: Candidate): boolean {
  const { tokens, slots, linePriority } = room ?? unlimited;
  const mustStandInLine = parkedBy === null && linePriority !== undefined && priority <= linePriority;
  return (tokens ?? 1) >= 1 && (slots ?? 1) >= 1 && !mustStandInLine;
}

function reasonOf(room: Room | undefined): Parking["reason"] {
  const { tokens, slots } = room ?? unlimited;
  const isFull = slots !== undefined && slots < 1;
  return isFull || tokens === undefined ? "concurrency_limit" : "rate_limit";
}

const unlimited: Room = { tokens: undefined, slots: undefined, linePriority: undefined };

function take(left: Map<string, Room>, key: string): void {
  const room = left.get(key);
  if (room === undefined) return;
  left.set(key, { ...room, tokens: less(room.tokens), slots: less(room.slots) });
}

function less(number: number | undefined): number | undefined {
  return number === undefined ? undefined : number - 1;
}
