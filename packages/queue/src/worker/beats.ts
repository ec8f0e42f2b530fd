import type { BeatRow } from "./beat-statement.ts";
import type { Held, HeartbeatListener } from "./heartbeat.ts";

export type BeatsParts = {
  /** Sends one beat for all of these. Throws when it does not land. */
  readonly send: (ids: readonly string[], fences: readonly number[]) => Promise<readonly BeatRow[]>;
  /** A claim whose beats have not landed for so long is given up. Infinity: never. */
  readonly giveUpAfterMs: number;
  readonly listener: () => HeartbeatListener | undefined;
  /** Others before it have failed: its first beat is sent also for no job. Default false. */
  readonly isDoubted?: boolean;
};

/** Before its lease ends and another takes the job: 10 s, of a lease under 20 s in its middle. */
export function giveUpAfterMs(leaseMs: number): number {
  return Math.max(leaseMs - 10_000, leaseMs / 2);
}

/** Often enough that a silence is noticed in time, however seldom it beats. */
export function lookEveryMs(beatMs: number): number {
  return Math.min(1_000, beatMs / 4);
}

/** The claims that a process beats for, and whether its beats land. Loads nothing, for the thread that has it. */
export class Beats {
  readonly #parts: BeatsParts;
  readonly #held = new Map<string, { readonly fence: number; lastBeatMs: number }>();
  /** When the first of the beats was sent that have failed since the last one that landed. */
  #failingSinceMs: number | undefined;

  constructor(parts: BeatsParts) {
    this.#parts = parts;
    if (parts.isDoubted === true) this.#failingSinceMs = performance.now();
  }

  /** `ageMs`: how long ago it was claimed, or a beat for it landed. */
  hold({ id, fence }: Held, ageMs: number): void {
    this.#held.set(id, { fence, lastBeatMs: performance.now() - ageMs });
  }

  release({ id, fence }: Held): void {
    if (this.#held.get(id)?.fence === fence) this.#held.delete(id);
  }

  /** False when beats have failed for as long as a claim outlives them. A beat then asks even for no job. */
  get doLand(): boolean {
    const sinceMs = this.#failingSinceMs;
    return sinceMs === undefined || performance.now() - sinceMs <= this.#parts.giveUpAfterMs;
  }

  /** Gives when it was sent, or undefined where there was no need to. Throws when it did not land. */
  async beat(): Promise<number | undefined> {
    const before = [...this.#held];
    if (before.length === 0 && this.#failingSinceMs === undefined) return undefined;
    const sentMs = performance.now();
    try {
      const rows = await this.#parts.send(
        before.map(([id]) => id),
        before.map(([, { fence }]) => fence),
      );
      this.#failingSinceMs = undefined;
      this.#read(before, rows, sentMs);
      return sentMs;
    } catch (error) {
      this.#failingSinceMs ??= sentMs;
      throw error;
    }
  }

  /** Gives up the claims whose beats do not land, whatever the reason. */
  giveUpSilent(): void {
    const now = performance.now();
    for (const [id, { fence, lastBeatMs }] of this.#held) {
      if (now - lastBeatMs > this.#parts.giveUpAfterMs) this.#giveUp({ id, fence });
    }
  }

  #read(
    before: readonly (readonly [string, { readonly fence: number; lastBeatMs: number }])[],
    rows: readonly BeatRow[],
    sentMs: number,
  ): void {
    const alive = new Map(rows.map((row) => [row.id, row]));
    for (const [id, job] of before) {
      if (this.#held.get(id) !== job) continue;
      const { fence } = job;
      const row = alive.get(id);
      if (row?.is_extended) job.lastBeatMs = sentMs;
      if (row === undefined) this.#giveUp({ id, fence });
      else if (row.is_cancel_requested) this.#parts.listener()?.onCancelRequested({ id, fence });
    }
  }

  #giveUp(claim: Held): void {
    this.#held.delete(claim.id);
    this.#parts.listener()?.onLost(claim);
  }
}
