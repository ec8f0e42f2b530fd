/** A job that could start now but for the limits it has to pass. */
export type Candidate = {
  readonly id: string;
  readonly priority: number;
  /** The limiter in whose line it stands; null when it is queued. */
  readonly parkedBy: string | null;
  /** All that it has to pass, the narrow first. */
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
  /**
   * The priorities of jobs that it has let through to the line of a wider limiter. They keep its room: else all
   * that come after them would go to that line too, for one to start and the others to be sent back.
   */
  readonly reserved: readonly number[];
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
  /** What the limiters allow after that. */
  readonly left: ReadonlyMap<string, Room>;
};

/** How many more jobs of a priority may start. Those of a higher one do not wait for what others keep. */
export function roomFor(
  { tokens, slots, reserved }: Pick<Room, "tokens" | "slots" | "reserved">,
  priority: number,
): number {
  const kept = reserved.filter((other) => other >= priority).length;
  return Math.min(Math.floor(tokens ?? Infinity), slots ?? Infinity) - kept;
}

/**
 * Decides which candidates start, in their order, and where the others wait. A job starts when every
 * limiter it has to pass has room, and takes from all of them; one that any of them holds takes from
 * none and waits for the first that holds it, keeping the room of those before. What could start when no
 * more are wanted is left as it is.
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
    const { id, priority, parkedBy, limiterKeys } = candidate;
    const kept = limiterKeys.slice(0, Math.max(0, limiterKeys.indexOf(parkedBy ?? "")));
    const closed = limiterKeys.find((key) => !lets(left.get(key), candidate, kept.includes(key)));
    if (closed !== undefined) {
      if (parkedBy === closed) continue;
      parked.push({ id, limiter: closed, reason: reasonOf(left.get(closed)) });
      for (const key of kept) change(left, key, (room) => giveBack(room, priority));
      for (const key of limiterKeys.slice(0, limiterKeys.indexOf(closed))) {
        change(left, key, (room) => ({ ...room, reserved: [...room.reserved, priority] }));
      }
      continue;
    }
    if (admitted.length >= wanted) continue;
    admitted.push(id);
    for (const key of kept) change(left, key, (room) => giveBack(room, priority));
    for (const key of limiterKeys) {
      change(left, key, (room) => ({ ...room, tokens: less(room.tokens), slots: less(room.slots) }));
      started.set(key, (started.get(key) ?? 0) + 1);
    }
  }
  return { admitted, parked, started, left };
}

function lets(room: Room | undefined, { priority, parkedBy }: Candidate, isKept: boolean): boolean {
  const { linePriority, ...limits } = room ?? unlimited;
  const mustStandInLine = parkedBy === null && linePriority !== undefined && priority <= linePriority;
  return roomFor(isKept ? { ...limits, reserved: [] } : limits, priority) >= 1 && !mustStandInLine;
}

function reasonOf(room: Room | undefined): Parking["reason"] {
  const { tokens, slots, reserved } = room ?? unlimited;
  const isFull = slots !== undefined && slots - reserved.length < 1;
  return isFull || tokens === undefined ? "concurrency_limit" : "rate_limit";
}

const unlimited: Room = { tokens: undefined, slots: undefined, linePriority: undefined, reserved: [] };

function change(left: Map<string, Room>, key: string, changed: (room: Room) => Room): void {
  const room = left.get(key);
  if (room !== undefined) left.set(key, changed(room));
}

function giveBack(room: Room, priority: number): Room {
  const nth = room.reserved.indexOf(priority);
  return nth < 0 ? room : { ...room, reserved: room.reserved.toSpliced(nth, 1) };
}

function less(number: number | undefined): number | undefined {
  return number === undefined ? undefined : number - 1;
}
