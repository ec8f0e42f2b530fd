/**
 * What a worker tells the thread that beats for it. There are thousands of jobs a second, and a message of many objects
 * or strings takes many times as long to copy as one long text: their ids are joined.
 */
export type ToBeater =
  | {
      readonly kind: "hold";
      /** Of the claim. */
      readonly number: number;
      /** With commas. */
      readonly ids: string;
      /** In the same order; undefined where all are 1, as of jobs that are claimed for the first time. */
      readonly fences: readonly number[] | undefined;
      /** How long ago they were claimed, or a beat for them landed. */
      readonly ageMs: number;
      /** Claims of which nothing is held any more. */
      readonly over: readonly number[];
    }
  | {
      /** Of claims that go on. */
      readonly kind: "ended";
      readonly ids: string;
      readonly fences: readonly number[] | undefined;
      readonly over: readonly number[];
    };

export function joinedIds(ids: readonly string[]): string {
  return ids.join(",");
}

export function splitIds(ids: string): string[] {
  return ids === "" ? [] : ids.split(",");
}

export type FromBeater =
  /** From now on it beats for what it is told. */
  | { readonly kind: "ready" }
  | { readonly kind: "lost" | "cancel_requested"; readonly id: string; readonly fence: number }
  /** A beat for all that it knew of when it was sent, by `processMs`. */
  | { readonly kind: "landed"; readonly sentAtMs: number }
  | { readonly kind: "failed"; readonly message: string }
  /** Whether beats land at all: see `Heartbeat.doesLand`. Told when it changes; so it is at first. */
  | { readonly kind: "landing"; readonly isSo: boolean };

export type BeaterSettings = {
  readonly url: string;
  readonly leaseMs: number;
  readonly beatMs: number;
  /** No beat of the threads before it has landed for long: it says so when one of its own does. */
  readonly isDoubted: boolean;
};

/** A clock that never jumps and is the same in every thread of a process, unlike `performance.now`. */
export function processMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
