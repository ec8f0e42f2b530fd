import type { Clock } from "@millrace/kernel";

/** Failures in a row after which a server is left alone. Fewer would punish one bad moment. */
const failuresToOpen = 5;
const firstRestMs = 10_000;
const longestRestMs = 120_000;
/** Rests are up to this share longer: workers must not all come back at once. */
const restSpread = 0.2;
/** So long after a refusal no more calls run at once than then: a limit by the second refuses again in the next. */
const calmMs = 5_000;
/** When another call is already finding out whether the server is back. */
const probeWaitMs = 5_000;

export type BreakerState = "closed" | "open" | "half_open" | "recovering";

/**
 * Leaves a server alone that failed several times in a row, tries it with one call after a rest, and then
 * lets calls come back one more with each that succeeds. One that refuses for now is not left alone, but gets
 * half as many calls at once with each refusal, and more again when it is calm. What counts as a failure is the caller's to say.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #random: () => number;
  #state: BreakerState = "closed";
  #failures = 0;
  #restMs = firstRestMs;
  #openUntilMs = 0;
  #places = Infinity;
  #refusedAtMs = -Infinity;

  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
  }

  get state(): BreakerState {
    return this.#state;
  }

  get failuresInARow(): number {
    return this.#failures;
  }

  /** How long to keep away, or 0 when a call may be made. */
  waitMs(): number {
    if (this.#state === "half_open") return probeWaitMs;
    return this.#state === "open" ? Math.max(0, this.#openUntilMs - this.#clock.monotonicMs()) : 0;
  }

  /** How many calls may run at once, of so many that are allowed when all is well. */
  places(most: number): number {
    const isAway = this.#state === "open" || this.#state === "half_open";
    return isAway ? 1 : Math.min(most, this.#places);
  }

  /** A call begins: after a rest it is the one that finds out. Only when `waitMs` is 0. */
  begin(): void {
    if (this.#state === "open") this.#state = "half_open";
  }

  /** The server answered, if only to say that the request is wrong. `most`: as in `places`. */
  succeeded(most: number): void {
    this.#isThere();
    const isCalm = this.#clock.monotonicMs() - this.#refusedAtMs >= calmMs;
    if (this.#places < most && isCalm) this.#places += 1;
    if (this.#state !== "recovering" || this.#places < most) return;
    this.#state = "closed";
    this.#restMs = firstRestMs;
  }

  /** The server takes no more requests for now. `most`: as in `places`. */
  refused(most: number): void {
    this.#isThere();
    this.#refusedAtMs = this.#clock.monotonicMs();
    this.#places = Math.max(1, Math.floor(Math.min(most, this.#places) / 2));
  }

  #isThere(): void {
    this.#failures = 0;
    if (this.#state !== "half_open") return;
    this.#state = "recovering";
    this.#places = 1;
  }

  failed(): void {
    this.#failures += 1;
    // Calls that began before it opened fail one after the other; they say nothing new.
    if (this.#state === "open") return;
    if (this.#state === "closed" && this.#failures < failuresToOpen) return;
    this.#openUntilMs = this.#clock.monotonicMs() + this.#restMs * (1 + restSpread * this.#random());
    this.#restMs = Math.min(longestRestMs, this.#restMs * 2);
    this.#state = "open";
  }

  /** The call ended without telling anything of the server: cancelled, or never sent. */
  abandoned(): void {
    if (this.#state === "half_open") this.#state = "open";
  }
}
