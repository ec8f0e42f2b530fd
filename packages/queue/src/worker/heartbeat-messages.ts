/** What the worker tells the thread that beats for it. */
export type ToBeater =
  | {
      readonly kind: "hold";
      /** `ageMs`: how long ago each was claimed. */
      readonly jobs: readonly { readonly id: string; readonly fence: number; readonly ageMs: number }[];
    }
  | { readonly kind: "release"; readonly jobs: readonly { readonly id: string; readonly fence: number }[] };

export type FromBeater =
  | { readonly kind: "lost" | "cancel_requested"; readonly id: string; readonly fence: number }
  | { readonly kind: "failed"; readonly message: string };

export type BeaterSettings = { readonly url: string; readonly leaseMs: number; readonly beatMs: number };
