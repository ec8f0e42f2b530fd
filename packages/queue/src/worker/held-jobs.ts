import { TurnoverMap } from "@millrace/kernel";
import { joinedIds, processMs } from "./heartbeat-messages.ts";
import type { ToBeater } from "./heartbeat-messages.ts";

type Held = { readonly id: string; readonly fence: number };
/** Jobs that were claimed together. */
type Claim = {
  readonly number: number;
  readonly sinceMs: number;
  /** So many of them are held. */
  left: number;
  /** Those that are not, and of whom the thread has not been told. */
  readonly ended: { ids: string[]; fences: number[] };
};
type HeldJob = { readonly fence: number; readonly claim: Claim };

/** Beside so many that have ended, those that run are few in a beat. */
const manyEnded = 1_000;

/**
 * What a worker holds, and what of that the thread that beats for it has been told: each claim as a whole, and that
 * it is over when all of its jobs have ended. Single jobs are told of only while others of their claim go on.
 */
export class HeldJobs {
  readonly #send: (message: ToBeater) => void;
  readonly #held = new TurnoverMap<string, HeldJob>();
  /** Those with jobs that are held. */
  readonly #claims = new Set<Claim>();
  #lastNumber = 0;
  /** When the last beat that landed was sent. */
  #landedMs = Number.NEGATIVE_INFINITY;
  /** Claims of whose end the thread has not been told, and how many jobs of others have ended untold. */
  #over: number[] = [];
  #untold = 0;

  constructor(send: (message: ToBeater) => void) {
    this.#send = send;
  }

  /** Tells at once, before a handler of these can block this thread. */
  hold(jobs: readonly Held[], ageMs: number): void {
    if (jobs.length === 0) return;
    const claim: Claim = {
      number: (this.#lastNumber += 1),
      sinceMs: processMs() - ageMs,
      left: jobs.length,
      ended: { ids: [], fences: [] },
    };
    this.#claims.add(claim);
    // Shared by those with the same fence: most are claimed for the first time.
    let held: HeldJob = { fence: 1, claim };
    for (const { id, fence } of jobs) {
      if (held.fence !== fence) held = { fence, claim };
      const before = this.#held.set(id, held);
      if (before !== undefined) this.#end(id, before);
    }
    this.#tellHeld(claim, jobs, ageMs);
  }

  release({ id, fence }: Held): void {
    const held = this.#held.get(id);
    if (held?.fence !== fence) return;
    this.#held.delete(id);
    this.#end(id, held);
  }

  #end(id: string, { fence, claim }: HeldJob): void {
    claim.left -= 1;
    if (claim.left === 0) {
      this.#untold -= claim.ended.ids.length;
      this.#claims.delete(claim);
      this.#over.push(claim.number);
      return;
    }
    claim.ended.ids.push(id);
    claim.ended.fences.push(fence);
    this.#untold += 1;
    if (this.#untold >= manyEnded) this.tellEnded();
  }

  #tellHeld(claim: Claim, jobs: readonly Held[], ageMs: number): void {
    const { number } = claim;
    this.#send({ kind: "hold", number, ...columns(jobs), ageMs, over: this.#over });
    this.#over = [];
  }

  /** There is no hurry for a few: a beat for a job that has ended finds nothing. */
  tellEnded(): void {
    if (this.#over.length === 0 && this.#untold === 0) return;
    const ended: Held[] = [];
    for (const { ended: own } of this.#untold === 0 ? [] : this.#claims) {
      for (const [nth, id] of own.ids.entries()) ended.push({ id, fence: own.fences[nth] ?? 1 });
      own.ids.length = 0;
      own.fences.length = 0;
    }
    this.#send({ kind: "ended", ...columns(ended), over: this.#over });
    this.#over = [];
    this.#untold = 0;
  }

  /** A beat landed that was sent then, by `processMs`. */
  landed(sentAtMs: number): void {
    this.#landedMs = sentAtMs;
  }

  /** Those that were claimed longer ago than that, with no beat since that landed. */
  silentFor(ms: number): Held[] {
    const nowMs = processMs();
    const isSilent = (claim: Claim): boolean => nowMs - Math.max(claim.sinceMs, this.#landedMs) > ms;
    if (![...this.#claims].some(isSilent)) return [];
    return [...this.#held]
      .filter(([, { claim }]) => isSilent(claim))
      .map(([id, { fence }]) => ({ id, fence }));
  }

  /** For a thread that knows nothing yet. */
  tellAll(): void {
    const nowMs = processMs();
    const byClaim = Map.groupBy(this.#held, ([, { claim }]) => claim);
    this.#over = [];
    this.#untold = 0;
    for (const [claim, jobs] of byClaim) {
      claim.ended.ids.length = 0;
      claim.ended.fences.length = 0;
      const held = jobs.map(([id, { fence }]) => ({ id, fence }));
      this.#tellHeld(claim, held, nowMs - Math.max(claim.sinceMs, this.#landedMs));
    }
  }
}

function columns(jobs: readonly Held[]): { readonly ids: string; readonly fences: number[] | undefined } {
  return {
    ids: joinedIds(jobs.map(({ id }) => id)),
    fences: jobs.every(({ fence }) => fence === 1) ? undefined : jobs.map(({ fence }) => fence),
  };
}
