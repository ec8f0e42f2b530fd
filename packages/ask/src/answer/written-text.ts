/** Ten a second are more than a person reads. */
const flushEveryMs = 100;

export type WrittenPiece = { readonly text: string; readonly reset: boolean };

/**
 * Tells an answer as it is written, at most ten times a second. The first piece of an attempt says `reset`: what a
 * process told before it died is replaced. What can't be told now is told with what comes next.
 */
export class WrittenText {
  readonly #write: (piece: WrittenPiece) => Promise<void>;
  #waiting: WrittenPiece | undefined;
  #hasTold = false;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  /** `write` rejects when a piece is not told. */
  constructor(write: (piece: WrittenPiece) => Promise<void>) {
    this.#write = write;
  }

  add(text: string): void {
    if (text === "") return;
    this.#wait({ text, reset: !this.#hasTold && this.#waiting === undefined });
  }

  /** What was written no longer counts: another model, or another try, begins anew. */
  begin(): void {
    if (this.#hasTold || this.#waiting !== undefined) this.#wait({ text: "", reset: true });
  }

  /** Tells the rest, as far as that is possible, and nothing after it. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#flushing;
    await this.#flush();
    clearTimeout(this.#timer);
  }

  #wait(piece: WrittenPiece): void {
    this.#waiting = join(this.#waiting, piece);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flushing = this.#flushing.then(() => this.#flush());
    }, flushEveryMs);
  }

  async #flush(): Promise<void> {
    const piece = this.#waiting;
    if (piece === undefined) return;
    this.#waiting = undefined;
    this.#hasTold = true;
    try {
      await this.#write(piece);
    } catch {
      // A job that is no longer ours is told of by whoever has it. Otherwise it goes with what comes next.
      this.#waiting = join(piece, this.#waiting);
    }
  }
}

function join(first: WrittenPiece | undefined, second: WrittenPiece | undefined): WrittenPiece | undefined {
  if (first === undefined || second?.reset === true) return second ?? first;
  return { text: first.text + (second?.text ?? ""), reset: first.reset };
}
