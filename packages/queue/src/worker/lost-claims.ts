import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { reapJobs } from "../jobs/reap.ts";
import type { ReapParts } from "../jobs/reap.ts";
import { giveUpAfterMs } from "./beats.ts";
import type { Held } from "./heartbeat.ts";

type Parts = ReapParts & { readonly logger: Logger };

/** A server that lost the connection may end the statement only after the first look. */
const looks = 2;
const pauseMs = 1_000;
const soonMs = 100;

type Options = {
  readonly workerId: string;
  readonly leaseMs: number;
  /** Whether a job of this worker is known to it. */
  readonly isHeld: (id: string) => boolean;
};

/**
 * Claims that failed may have been made: when a connection is cut, the answer is lost and not what it said.
 * Their jobs are this worker's and nobody runs them; without this they would wait for their lease to end. So would
 * strays, which a claim brought and should not have.
 */
export class LostClaims {
  readonly #parts: Parts;
  readonly #options: Options;
  /** Their fences, by id. */
  readonly #strays = new Map<string, number>();
  #looksLeft = 0;
  #nextLookMs = 0;

  constructor(parts: Parts, options: Options) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Milliseconds until the next look; Infinity for none. */
  get lookInMs(): number {
    return this.#looksLeft === 0
      ? Number.POSITIVE_INFINITY
      : Math.max(0, this.#nextLookMs - performance.now());
  }

  /** A claim failed. */
  suspect(): void {
    const isFirst = this.#looksLeft === 0;
    this.#looksLeft = looks;
    this.#nextLookMs = performance.now() + (isFirst ? soonMs : pauseMs);
  }

  /** A claim brought these, which nobody here runs. */
  strayed(strays: readonly Held[]): void {
    if (strays.length === 0) return;
    for (const { id, fence } of strays) this.#strays.set(id, fence);
    this.suspect();
  }

  /** Gives back what is found when a look is due. Never beside a claim of this worker. */
  async giveBack(): Promise<void> {
    if (this.lookInMs > 0) return;
    await this.#look();
  }

  /** If a look is left, now instead of when it is due: after the last claim of this worker. */
  async lookOnceMore(): Promise<void> {
    if (this.#looksLeft > 0) await this.#look();
  }

  async #look(): Promise<void> {
    // Counted before: a job that can't be given back must not keep this worker from all others.
    this.#looksLeft--;
    this.#nextLookMs = performance.now() + pauseMs;
    const { workerId, leaseMs, isHeld } = this.#options;
    const unheld = {
      unheldBy: workerId,
      // What was begun here and given up was claimed before that.
      claimedWithinMs: giveUpAfterMs(leaseMs),
      isStray: ({ id, fence }: Held) => this.#strays.get(id) === fence,
    };
    await reapJobs(this.#parts, unheld, { isHeld }).catch((error: unknown) =>
      this.#parts.logger.warn({ err: toError(error) }, "the jobs of a lost claim come back with their lease"),
    );
    if (this.#looksLeft === 0) this.#strays.clear();
  }
}
