/**
 * What the worker tells the thread that beats for it, as JSON text of columns: there are thousands of jobs a
 * second, and a message of many objects or strings takes many times as long to copy.
 */
export type ToBeater =
  | {
      readonly kind: "hold";
      readonly ids: readonly string[];
      readonly fences: readonly number[];
      /** How long ago each was claimed. */
      readonly agesMs: readonly number[];
    }
  | { readonly kind: "release"; readonly ids: readonly string[]; readonly fences: readonly number[] };

export type FromBeater =
  /** From now on it beats for what it is told. */
  | { readonly kind: "ready" }
  | { readonly kind: "lost" | "cancel_requested"; readonly id: string; readonly fence: number }
  | { readonly kind: "failed"; readonly message: string };

export type BeaterSettings = { readonly url: string; readonly leaseMs: number; readonly beatMs: number };
