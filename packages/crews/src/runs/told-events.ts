import type { CrewTextWritten } from "@millrace/contracts";
import type { CrewEvent, CrewText } from "../run/runtime.ts";

/** For each text: ten a second of one run are more than a person reads, however many tasks write at once. */
const flushEveryMs = 100;
/** A run that begins more than this while the database is away has gone wrong; the oldest is left out. */
const maxWaiting = 1000;

type TextEvent = { readonly type: "crew.text_written"; readonly data: CrewTextWritten };
export type ToldEvent = CrewEvent | TextEvent;

/**
 * What a run tells those who watch besides what it records: what begins, and text as it is written. Gathered, so
 * that at most ten texts a second are told. In each attempt the text of a step begins with `reset`: what a process
 * told before it died is replaced.
 */
export class ToldEvents {
  /** Writes what `take` gives, in a transaction of the job; rejects when it is not written. */
  readonly #write: () => Promise<void>;
  #waiting: ToldEvent[] = [];
  /** Taken by a transaction that has not committed yet. */
  #taken: ToldEvent[] = [];
  readonly #begun = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  /** When the next text may be told by itself, on the clock of `performance.now`. */
  #nextTextMs = 0;
  #flushing: Promise<void> = Promise.resolve();

  constructor(write: () => Promise<void>) {
    this.#write = write;
  }

  emit(event: CrewEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
    this.#arm();
  }

  text({ task, agent, step, text, reset }: CrewText): void {
    const begins = reset || !this.#begun.has(step);
    this.#begun.add(step);
    this.#add({ type: "crew.text_written", data: { task, agent, step, text, reset: begins } });
    this.#arm();
  }

  /** What is to be told now: call it in the transaction that tells it, and `told` when that has committed. */
  take(): readonly ToldEvent[] {
    const later = this.#waiting;
    this.#waiting = this.#taken;
    for (const event of later) this.#add(event);
    this.#taken = this.#waiting;
    this.#waiting = [];
    return this.#taken;
  }

  told(): void {
    const texts = this.#taken.filter(({ type }) => type === "crew.text_written");
    this.#nextTextMs = Math.max(this.#nextTextMs, performance.now()) + flushEveryMs * texts.length;
    this.#taken = [];
  }

  /** Tells the rest, as far as that is possible, and nothing after it. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#flushing;
    if (this.#waiting.length > 0 || this.#taken.length > 0) await this.#flush();
    clearTimeout(this.#timer);
  }

  /** Text of a step joins what waits of it. */
  #add(event: ToldEvent): void {
    const at =
      event.type === "crew.text_written"
        ? this.#waiting.findIndex(
            (one) => one.type === "crew.text_written" && one.data.step === event.data.step,
          )
        : -1;
    const known = this.#waiting[at];
    if (event.type !== "crew.text_written" || known?.type !== "crew.text_written") {
      this.#waiting.push(event);
      return;
    }
    const data = event.data.reset
      ? event.data
      : { ...known.data, text: `${known.data.text}${event.data.text}` };
    this.#waiting[at] = { type: "crew.text_written", data };
  }

  #arm(): void {
    const delayMs = Math.max(flushEveryMs, this.#nextTextMs - performance.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flushing = this.#flushing.then(() => this.#flush());
    }, delayMs);
  }

  async #flush(): Promise<void> {
    try {
      await this.#write();
    } catch {
      // A run that is no longer ours is told of by whoever has it. Otherwise it is tried again with what comes next:
      // steps have to be written too, and their failure is heard.
    }
    if (this.#waiting.length > 0) this.#arm();
  }
}
