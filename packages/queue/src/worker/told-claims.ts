import type { Beats } from "./beats.ts";
import { splitIds } from "./heartbeat-messages.ts";
import type { ToBeater } from "./heartbeat-messages.ts";
import type { Held } from "./heartbeat.ts";

type Hold = Extract<ToBeater, { kind: "hold" }>;

/**
 * What the thread that beats has been told. Claims are read when a beat or a look comes: at many jobs a second most
 * are over by then, and cost next to nothing. Loads nothing, as `Beats`.
 */
export class ToldClaims {
  readonly #beats: Pick<Beats, "hold" | "release">;
  /** By their numbers, with when that was. */
  readonly #unread = new Map<number, { readonly hold: Hold; readonly atMs: number }>();
  readonly #read = new Map<number, readonly Held[]>();

  constructor(beats: Pick<Beats, "hold" | "release">) {
    this.#beats = beats;
  }

  hear(message: ToBeater): void {
    for (const number of message.over) this.#forget(number);
    if (message.kind === "hold") {
      this.#unread.set(message.number, { hold: message, atMs: performance.now() });
    } else if (message.ids !== "") {
      this.read();
      for (const job of jobsOf(message)) this.#beats.release(job);
    }
  }

  /** Before a beat, or a look at those whose beats do not land. */
  read(): void {
    for (const [number, { hold, atMs }] of this.#unread) {
      const jobs = jobsOf(hold);
      const ageMs = performance.now() - atMs + hold.ageMs;
      for (const job of jobs) this.#beats.hold(job, ageMs);
      this.#read.set(number, jobs);
    }
    this.#unread.clear();
  }

  #forget(number: number): void {
    if (this.#unread.delete(number)) return;
    for (const job of this.#read.get(number) ?? []) this.#beats.release(job);
    this.#read.delete(number);
  }
}

function jobsOf({ ids, fences }: Pick<ToBeater, "ids" | "fences">): Held[] {
  return splitIds(ids).map((id, nth) => ({ id, fence: fences?.[nth] ?? 1 }));
}
