/** A job that could start now but for the limits it has to pass. */
export type Candidate = {
  readonly id: string;
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
   * While jobs wait in its line: the starts for which no better job than the candidates waits there.
   * Without it a new job could pass those that waited before it.
   */
  readonly turns: number | undefined;
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
  for (const { id, parkedBy, limiterKeys } of candidates) {
    const closed = limiterKeys.find((key) => !isOpen(left.get(key)));
    if (closed !== undefined) {
      if (parkedBy !== closed) parked.push({ id, limiter: closed, reason: reasonOf(left.get(closed)) });
      // It leaves the line it stood in: its turn there is for who stands behind it, who is not seen here.
      if (parkedBy !== null && parkedBy !== closed) passTurn(left, parkedBy);
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

function isOpen(room: Room | undefined): boolean {
  const { tokens, slots, turns } = room ?? unlimited;
  return (tokens ?? 1) >= 1 && (slots ?? 1) >= 1 && (turns ?? 1) >= 1;
}

function reasonOf(room: Room | undefined): Parking["reason"] {
  const { tokens, slots } = room ?? unlimited;
  const isFull = slots !== undefined && slots < 1;
  return isFull || tokens === undefined ? "concurrency_limit" : "rate_limit";
}

const unlimited: Room = { tokens: undefined, slots: undefined, turns: undefined };

function take(left: Map<string, Room>, key: string): void {
  const room = left.get(key);
  if (room === undefined) return;
  left.set(key, { tokens: less(room.tokens), slots: less(room.slots), turns: less(room.turns) });
}

function passTurn(left: Map<string, Room>, key: string): void {
  const room = left.get(key);
  if (room !== undefined) left.set(key, { ...room, turns: less(room.turns) });
}

function less(number: number | undefined): number | undefined {
  return number === undefined ? undefined : number - 1;
}
