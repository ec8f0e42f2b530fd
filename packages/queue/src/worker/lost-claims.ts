import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { reapJobs } from "../jobs/reap.ts";
import type { ReapParts } from "../jobs/reap.ts";

type Parts = ReapParts & { readonly logger: Logger };

/** A server that lost the connection may end the statement only after the first look. */
const looks = 2;
const pauseMs = 1_000;
const soonMs = 100;

/**
 * Claims that failed may have been made: when a connection is cut, the answer is lost and not what it said.
 * Their jobs are this worker's and nobody runs them; without this they would wait for their lease to end.
 */
export class LostClaims {
  readonly #parts: Parts;
  readonly #workerId: string;
  readonly #isHeld: (id: string) => boolean;
  #looksLeft = 0;
  #nextLookMs = 0;

  /** `isHeld`: whether a job of this worker is known to it. */
  constructor(parts: Parts, workerId: string, isHeld: (id: string) => boolean) {
    this.#parts = parts;
    this.#workerId = workerId;
    this.#isHeld = isHeld;
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
    await reapJobs(this.#parts, { unheldBy: this.#workerId }, { isHeld: this.#isHeld }).catch(
      (error: unknown) =>
        this.#parts.logger.warn(
          { err: toError(error) },
          "the jobs of a lost claim come back with their lease",
        ),
    );
  }
}
