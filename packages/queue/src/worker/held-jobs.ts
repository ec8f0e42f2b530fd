import type { ToBeater } from "./heartbeat-messages.ts";

type Claim = { readonly id: string; readonly fence: number };
type Held = { readonly fence: number; readonly sinceMs: number };

/** What a worker holds, and what of that the thread that beats for it has been told. */
export class HeldJobs {
  readonly #send: (message: ToBeater) => void;
  readonly #held = new Map<string, Held>();
  readonly #untold = new Map<string, Held>();
  #released: Claim[] = [];
  #isTelling = false;

  constructor(send: (message: ToBeater) => void) {
    this.#send = send;
  }

  hold({ id, fence }: Claim): void {
    const job = { fence, sinceMs: performance.now() };
    this.#held.set(id, job);
    this.#untold.set(id, job);
    if (this.#isTelling) return;
    this.#isTelling = true;
    // Once for all of a claim, and before any of their handlers can block this thread.
    queueMicrotask(() => this.#tellHeld());
  }

  release({ id, fence }: Claim): void {
    if (this.#held.get(id)?.fence !== fence) return;
    this.#held.delete(id);
    this.#released.push({ id, fence });
  }

  /** There is no hurry: a beat for a job that has ended finds nothing. */
  tellReleased(): void {
    if (this.#released.length > 0) this.#send({ kind: "release", jobs: this.#released });
    this.#released = [];
  }

  /** For a thread that knows nothing yet. */
  tellAll(): void {
    for (const [id, job] of this.#held) this.#untold.set(id, job);
    this.#released = [];
    this.#tellHeld();
  }

  #tellHeld(): void {
    this.#isTelling = false;
    const nowMs = performance.now();
    const isHeld = ([id, job]: readonly [string, Held]): boolean => this.#held.get(id) === job;
    const jobs = [...this.#untold]
      .filter(isHeld)
      .map(([id, { fence, sinceMs }]) => ({ id, fence, ageMs: nowMs - sinceMs }));
    this.#untold.clear();
    if (jobs.length > 0) this.#send({ kind: "hold", jobs });
  }
}
