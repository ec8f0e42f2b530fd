import type { ToBeater } from "./heartbeat-messages.ts";

type Claim = { readonly id: string; readonly fence: number };
type Held = { readonly fence: number; readonly sinceMs: number };

/** What a worker holds, and what of that the thread that beats for it has been told. */
export class HeldJobs {
  readonly #send: (message: ToBeater) => void;
  readonly #held = new Map<string, Held>();
  #released: Claim[] = [];

  constructor(send: (message: ToBeater) => void) {
    this.#send = send;
  }

  /** Tells at once, before a handler of these can block this thread. */
  hold(jobs: readonly Claim[]): void {
    if (jobs.length === 0) return;
    const sinceMs = performance.now();
    for (const { id, fence } of jobs) this.#held.set(id, { fence, sinceMs });
    this.#send({ kind: "hold", ...columns(jobs), agesMs: jobs.map(() => 0) });
  }

  release({ id, fence }: Claim): void {
    if (this.#held.get(id)?.fence !== fence) return;
    this.#held.delete(id);
    this.#released.push({ id, fence });
  }

  /** There is no hurry: a beat for a job that has ended finds nothing. */
  tellReleased(): void {
    if (this.#released.length > 0) this.#send({ kind: "release", ...columns(this.#released) });
    this.#released = [];
  }

  /** For a thread that knows nothing yet. */
  tellAll(): void {
    this.#released = [];
    if (this.#held.size === 0) return;
    const nowMs = performance.now();
    const jobs = [...this.#held].map(([id, { fence, sinceMs }]) => ({ id, fence, ageMs: nowMs - sinceMs }));
    this.#send({ kind: "hold", ...columns(jobs), agesMs: jobs.map(({ ageMs }) => ageMs) });
  }
}

function columns(jobs: readonly Claim[]): { ids: string[]; fences: number[] } {
  return { ids: jobs.map(({ id }) => id), fences: jobs.map(({ fence }) => fence) };
}
