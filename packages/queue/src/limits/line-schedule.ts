type Lines = { readonly after?: string; readonly keys: readonly string[] };

type Look = {
  readonly jobs: readonly unknown[];
  readonly parked: readonly unknown[];
  readonly isLineOpen: boolean;
  readonly nextInMs: number | undefined;
  readonly linesTo: string | undefined;
};

/** A line has room, and yet nothing could be taken or sent to another: others are at it. */
const contendedMs = 50;
/** Hints may come with every job. For them at most one part in ten of the time goes into looking. */
const hintRestFactor = 9;

/**
 * When to look at which lines: at all of them with every poll, for what other workers end; when the rate
 * of one allows the next start; and at single ones when a job ended here. Looking at all is dear when
 * there are thousands. It may be wrong in either direction: a look in vain costs time, one that was left
 * out comes with the next poll.
 */
export class LineSchedule {
  readonly #pollMs: number;
  readonly #nowMs: () => number;
  #dueMs = -Infinity;
  /** The next line that is allowed a start, among those looked at since the first. */
  #opensMs = Infinity;
  /** Where the look at all lines goes on; "" at the first. */
  #after = "";
  #withRoom = new Set<string>();
  /** Before this a hint is no reason to look at all lines again. */
  #restsUntilMs = -Infinity;

  constructor(pollMs: number, nowMs: () => number = () => performance.now()) {
    this.#pollMs = pollMs;
    this.#nowMs = nowMs;
  }

  /** A limiter may have room now. */
  hasRoom(key: string): void {
    this.#withRoom.add(key);
  }

  /** Somebody says that there is work, of which nothing is known but the queue. */
  hint(): void {
    this.#dueMs = Math.min(this.#dueMs, this.#restsUntilMs);
  }

  /** Until the next look at all lines. */
  againInMs(): number {
    return Math.max(0, this.#dueMs - this.#nowMs());
  }

  /** Looks with `work` at the lines whose turn it is. When it throws, it is still their turn. */
  async look<Result extends Look>(work: (lines: Lines) => Promise<Result>): Promise<Result> {
    const keys = this.#withRoom;
    this.#withRoom = new Set();
    const isDue = this.againInMs() === 0;
    const startedMs = this.#nowMs();
    try {
      const seen = await work({ keys: [...keys], ...(isDue ? { after: this.#after } : {}) });
      this.#remember(seen, isDue);
      if (isDue) this.#restsUntilMs = this.#nowMs() + (this.#nowMs() - startedMs) * hintRestFactor;
      if (seen.isLineOpen) for (const key of keys) this.#withRoom.add(key);
      return seen;
    } catch (error) {
      for (const key of keys) this.#withRoom.add(key);
      throw error;
    }
  }

  #remember({ jobs, parked, isLineOpen, nextInMs, linesTo }: Look, wasDue: boolean): void {
    const nowMs = this.#nowMs();
    const isFirst = wasDue && this.#after === "";
    this.#opensMs = Math.min(
      isFirst ? Infinity : this.#opensMs,
      nextInMs === undefined ? Infinity : nowMs + nextInMs,
      isLineOpen ? nowMs + (jobs.length + parked.length > 0 ? 0 : contendedMs) : Infinity,
    );
    if (!wasDue) {
      this.#dueMs = Math.min(this.#dueMs, this.#opensMs);
      return;
    }
    this.#after = linesTo ?? "";
    this.#dueMs = linesTo === undefined ? Math.min(this.#opensMs, nowMs + this.#pollMs) : nowMs;
  }
}
