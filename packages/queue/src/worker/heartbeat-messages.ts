/**
 * What the worker tells the thread that beats for it. As columns: there are thousands of jobs a second,
 * and a message of many small objects takes many times as long to copy.
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
  | { readonly kind: "lost" | "cancel_requested"; readonly id: string; readonly fence: number }
  | { readonly kind: "failed"; readonly message: string };

export type BeaterSettings = { readonly url: string; readonly leaseMs: number; readonly beatMs: number };
