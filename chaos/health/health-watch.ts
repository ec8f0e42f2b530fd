import { setTimeout as delay } from "node:timers/promises";
import { toError } from "@millrace/kernel";
import { z } from "zod";
import { OwnStalls } from "./own-stalls.ts";

/** A process of the product, as far as its health is concerned. */
export type Watched = {
  readonly name: string;
  readonly url: string;
  /** Whether it can be expected to answer. */
  readonly isUp: boolean;
  /** Another number after each start, stop and standstill. */
  readonly era: number;
};

/** What the health of a process must show: a check by its name, which leaves the process ready; or one of these. */
export type Sign = {
  readonly member: Watched;
  readonly shows: "no answer" | "not ready" | "hints" | "redis";
};

/** What `/readyz` said last. Times are of this process's wall clock. */
type Reading = {
  readonly askedMs: number;
  readonly answer: "none" | "not ready" | "ready";
  /** Why not, by the names of the checks that are not ok. */
  readonly failing: Readonly<Record<string, string>>;
};

const readyzSchema = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});

const lookEveryMs = 250;
/** Longer than the product takes until it says that it can't find out. */
const readyzLimitMs = 4000;
/**
 * Nothing may keep a process from answering for more than a second. Alone on a machine it is milliseconds, but runs
 * share two cores with eight servers, and have seen 1.3 s where a process merely waited for its turn. Three times as long
 * is no starvation any more; what is over the second itself is counted.
 */
const slowLivezMs = 1000;
const defaultLivezLimitMs = 3 * slowLivezMs;
const livezGivenUpMs = 10_000;

/** Asks every process for its health, again and again, whatever happens to them. */
export class HealthWatch {
  /** Who did not answer `/livez` in time, in words. */
  readonly blocked: string[] = [];
  longestLivezMs = 0;
  /** Answers to `/livez` that took more than a second. */
  slowLivez = 0;
  /** What they take off the time of an answer: a machine that stands still is no fault of who is asked. */
  readonly stalls = new OwnStalls();
  readonly #livezLimitMs: number;
  readonly #members: readonly Watched[];
  readonly #readings = new Map<string, Reading>();
  #isEnding = false;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(members: readonly Watched[], options: { readonly livezLimitMs?: number } = {}) {
    this.#members = members;
    this.#livezLimitMs = options.livezLimitMs ?? defaultLivezLimitMs;
  }

  start(): void {
    this.stalls.start();
    this.#looking = Promise.all(
      this.#members.flatMap((member) => [
        this.#repeat(async () => void this.#readings.set(member.name, await askReadyz(member))),
        this.#repeat(() => this.#askLivez(member)),
      ]),
    );
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#looking;
    this.stalls.stop();
  }

  /** Waits until each was shown once, at most so long; gives those that were not. */
  async untilShown(signs: readonly Sign[], sinceMs: number, limitMs: number): Promise<readonly Sign[]> {
    let missing = signs;
    await this.#until(limitMs, () => {
      missing = missing.filter((sign) => !this.#isShown(sign, sinceMs));
      return missing.length === 0;
    });
    return missing;
  }

  /**
   * Waits until each was ready once and nothing failed, at most so long; says what was wrong last, in words. Not
   * all at one moment: on a machine that is busy something is always slow somewhere.
   */
  async untilWell(
    sinceMs: number,
    limitMs: number,
  ): Promise<{ readonly isWell: boolean; readonly last: string[] }> {
    let unwell = this.#members;
    let last: string[] = [];
    const isWell = await this.#until(limitMs, () => {
      const wrong = unwell.map((member) => ({ member, troubles: this.#troublesOf(member, sinceMs) }));
      unwell = wrong.filter(({ troubles }) => troubles.length > 0).map(({ member }) => member);
      if (unwell.length > 0) last = wrong.flatMap(({ troubles }) => troubles);
      return unwell.length === 0;
    });
    return { isWell, last };
  }

  #isShown({ member, shows }: Sign, sinceMs: number): boolean {
    const reading = this.#readings.get(member.name);
    if (reading === undefined || reading.askedMs < sinceMs) return false;
    if (shows === "no answer") return reading.answer === "none";
    if (shows === "not ready") return reading.answer === "not ready";
    return reading.answer === "ready" && shows in reading.failing;
  }

  #troublesOf({ name }: Watched, sinceMs: number): string[] {
    const reading = this.#readings.get(name);
    if (reading === undefined || reading.askedMs < sinceMs) return [`${name} has not answered`];
    const failing = Object.entries(reading.failing).map(([check, detail]) => `${name} ${check}: ${detail}`);
    if (reading.answer === "ready" || failing.length > 0) return failing;
    return [reading.answer === "none" ? `${name} does not answer` : `${name} is not ready`];
  }

  /** Whether it was reached in time. */
  async #until(limitMs: number, isReached: () => boolean): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (!isReached()) {
      if (performance.now() > deadline) return false;
      await delay(50);
    }
    return true;
  }

  async #repeat(look: () => Promise<void>): Promise<void> {
    while (!this.#isEnding) {
      await look();
      await delay(lookEveryMs);
    }
  }

  async #askLivez(member: Watched): Promise<void> {
    if (!member.isUp) return;
    const { era } = member;
    const askedMs = performance.now();
    const stalledMs = this.stalls.totalMs;
    const problem = await fetch(`${member.url}/livez`, { signal: AbortSignal.timeout(livezGivenUpMs) }).then(
      async (response) => void (await response.text()),
      (thrown: unknown) => toError(thrown).message,
    );
    const tookMs = performance.now() - askedMs - (this.stalls.totalMs - stalledMs);
    // Stopped, or stood still, meanwhile.
    if (!member.isUp || member.era !== era) return;
    this.longestLivezMs = Math.max(this.longestLivezMs, tookMs);
    if (tookMs > slowLivezMs) this.slowLivez++;
    if (tookMs < this.#livezLimitMs) return;
    this.blocked.push(
      `${member.name} took ${(tookMs / 1000).toFixed(1)} s for /livez at ${new Date().toISOString()}${problem === undefined ? "" : `: ${problem}`}`,
    );
  }
}

async function askReadyz({ url }: Watched): Promise<Reading> {
  const askedMs = Date.now();
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(readyzLimitMs) });
    const { ready, checks } = readyzSchema.parse(await response.json());
    const failing = Object.entries(checks).flatMap(([name, { ok, detail }]) => (ok ? [] : [[name, detail]]));
    return {
      askedMs,
      answer: ready ? "ready" : "not ready",
      failing: Object.fromEntries(failing) as Record<string, string>,
    };
  } catch {
    return { askedMs, answer: "none", failing: {} };
  }
}
