/**
 * In so many parts the time is waited for, each begun while this process does something. As one it could be over for a
 * process that stood still, with what had come for it meanwhile unread.
 */
const waitParts = 2;

/** Tells when for some time nothing was in flight: of a connection that somebody holds, or of a transaction. */
export class IdleTimer {
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  #inFlight = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  /** `onIdle` is called once when nothing was in flight for `idleMs`, from now on. */
  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.#wait(waitParts);
  }

  begin(): void {
    this.#inFlight++;
    this.#disarm();
  }

  end(): void {
    this.#inFlight--;
    if (this.#inFlight === 0 && !this.#isOver) this.#wait(waitParts);
  }

  /** From now on it tells nothing. */
  stop(): void {
    this.#isOver = true;
    this.#disarm();
  }

  #wait(partsLeft: number): void {
    const timer = setTimeout(() => {
      // Timers come before what arrived.
      setImmediate(() => {
        if (this.#timer !== timer) return;
        if (partsLeft > 1) this.#wait(partsLeft - 1);
        else this.#onIdle();
      });
    }, this.#idleMs / waitParts);
    this.#timer = timer;
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
