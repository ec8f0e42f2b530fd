/**
 * What a worker tells the thread that beats for it, as JSON text of columns: there are thousands of jobs a
 * second, and a message of many objects or strings takes many times as long to copy.
 */
export type ToBeater =
  | {
      readonly kind: "hold";
      readonly ids: readonly string[];
      readonly fences: readonly number[];
      /** How long ago each was claimed, or a beat for it landed. */
      readonly agesMs: readonly number[];
    }
  | { readonly kind: "release"; readonly ids: readonly string[]; readonly fences: readonly number[] };

export type FromBeater =
  /** From now on it beats for what it is told. */
  | { readonly kind: "ready" }
  | { readonly kind: "lost" | "cancel_requested"; readonly id: string; readonly fence: number }
  /** A beat for all that it knew of when it was sent, by `processMs`. */
  | { readonly kind: "landed"; readonly sentAtMs: number }
  | { readonly kind: "failed"; readonly message: string }
  /** Whether beats land at all: see `Heartbeat.doesLand`. Told when it changes; so it is at first. */
  | { readonly kind: "landing"; readonly isSo: boolean };

export type BeaterSettings = { readonly url: string; readonly leaseMs: number; readonly beatMs: number };

/** A clock that never jumps and is the same in every thread of a process, unlike `performance.now`. */
export function processMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
