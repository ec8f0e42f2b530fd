import { processMs } from "./heartbeat-messages.ts";
import type { ToBeater } from "./heartbeat-messages.ts";

type Claim = { readonly id: string; readonly fence: number };
type Held = { readonly fence: number; readonly sinceMs: number };

/** Beside so many that have ended, those that run are few in a beat. */
const manyReleased = 1_000;

/** What a worker holds, and what of that the thread that beats for it has been told. */
export class HeldJobs {
  readonly #send: (message: ToBeater) => void;
  readonly #held = new Map<string, Held>();
  /** When the last beat that landed was sent. */
  #landedMs = Number.NEGATIVE_INFINITY;
  #released: { readonly ids: string[]; readonly fences: number[] } = { ids: [], fences: [] };

  constructor(send: (message: ToBeater) => void) {
    this.#send = send;
  }

  /** Tells at once, before a handler of these can block this thread. */
  hold(jobs: readonly Claim[], ageMs: number): void {
    if (jobs.length === 0) return;
    const sinceMs = processMs() - ageMs;
    // Shared by those with the same fence: most are claimed for the first time.
    let held: Held = { fence: 1, sinceMs };
    for (const { id, fence } of jobs) {
      if (held.fence !== fence) held = { fence, sinceMs };
      this.#held.set(id, held);
    }
    this.#send({ kind: "hold", ...columns(jobs), agesMs: jobs.map(() => Math.round(ageMs)) });
  }

  release({ id, fence }: Claim): void {
    if (this.#held.get(id)?.fence !== fence) return;
    this.#held.delete(id);
    this.#released.ids.push(id);
    this.#released.fences.push(fence);
    if (this.#released.ids.length >= manyReleased) this.tellReleased();
  }

  /** There is no hurry for a few: a beat for a job that has ended finds nothing. */
  tellReleased(): void {
    if (this.#released.ids.length > 0) this.#send({ kind: "release", ...this.#released });
    this.#released = { ids: [], fences: [] };
  }

  /** A beat landed that was sent then, by `processMs`. */
  landed(sentAtMs: number): void {
    this.#landedMs = sentAtMs;
  }

  /** For a thread that knows nothing yet. */
  tellAll(): void {
    this.#released = { ids: [], fences: [] };
    if (this.#held.size === 0) return;
    const nowMs = processMs();
    const jobs = [...this.#held].map(([id, { fence, sinceMs }]) => ({ id, fence, sinceMs }));
    const agesMs = jobs.map(({ sinceMs }) => nowMs - Math.max(sinceMs, this.#landedMs));
    this.#send({ kind: "hold", ...columns(jobs), agesMs });
  }
}

function columns(jobs: readonly Claim[]): { ids: string[]; fences: number[] } {
  return { ids: jobs.map(({ id }) => id), fences: jobs.map(({ fence }) => fence) };
}
