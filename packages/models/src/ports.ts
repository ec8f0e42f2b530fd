/**
 * What the guarded call needs of the product around it. This package knows no database: whoever opens it
 * hands these in, and without them calls are neither counted, limited over processes, nor stored.
 */

/** Whom a call is made for, and what it belongs to. */
export type CallOrigin = {
  /** Opaque: whose budget, share of the limits and stored answers are meant. Null: the installation's own work. */
  readonly owner: string | null;
  readonly job?: string;
  /** The durable step that the call is made in: a step is charged once, however often its call is made. */
  readonly step?: string;
};

/** Tokens of one call as the server counted them; null where it does not say. */
export type CallTokens = {
  /** All that was read, what the server had cached included. */
  readonly input: number | null;
  readonly output: number | null;
  /** Of `input`, what the server read from its own cache of prompts. */
  readonly cachedInput: number | null;
};

/** One call that was made, or one that was not because its answer was there. */
export type CallRecord = {
  readonly id: string;
  readonly origin: CallOrigin;
  readonly purpose: string;
  readonly kind: "chat" | "embedding";
  /** The endpoint that was asked, such as `openai-compatible:gemma3`. */
  readonly model: string;
  /** Name and version of the prompt, such as `document.summary@3`. */
  readonly prompt: string | null;
  /** `cached`: from the store of answers. `shared`: from an equal call in flight. Both cost nothing. */
  readonly outcome: "answered" | "cached" | "shared" | "failed" | "cancelled";
  readonly errorCode: string | null;
  readonly tokens: CallTokens;
  /** In US dollars; null when the price or the tokens are unknown, never 0 for that. */
  readonly cost: number | null;
  readonly latencyMs: number;
  readonly at: Date;
};

/** Budgets, and the list of calls. */
export type CallLedger = {
  /**
   * Sets money aside before a call, in one atomic step with the look at the budgets of the owner and of the
   * installation. Throws `budget_exceeded`, of kind `limited`, retryable after the end of the period, with
   * `putOffSeconds`. What its process never settles is given back after a while.
   */
  readonly reserve: (wanted: {
    readonly origin: CallOrigin;
    readonly purpose: string;
    readonly model: string;
    /** At most what the call may cost, in US dollars; null: unknown. */
    readonly cost: number | null;
    /** At most the tokens it may read and write; null: unknown. Default null. */
    readonly tokens?: number | null;
  }) => Promise<Reservation>;
  /** Lists a call. Never waits and never throws; how many wait to be written is bounded. */
  readonly record: (call: CallRecord) => void;
};

export type Reservation = {
  /**
   * Gives back what was set aside and counts what was spent instead: 0 for a call that cost nothing, null when
   * that is unknown, which counts as what was set aside. `tokens`: read and written, likewise; default null. Once; never throws.
   */
  readonly settle: (cost: number | null, tokens?: number | null) => Promise<void>;
};

/** Requests and tokens a minute, over all workers, fair between owners. */
export type CallLimiter = {
  /**
   * Takes one request and so many tokens. When they are not there, says how long it would take instead of
   * waiting: who holds a worker's slot decides whether that is short enough.
   */
  readonly take: (wanted: {
    readonly model: string;
    readonly owner: string | null;
    readonly tokens: number;
  }) => Promise<Taken | { readonly waitMs: number }>;
  /** What a server's `Retry-After` says, for all workers at once. */
  readonly holdBack: (model: string, waitMs: number) => void;
};

export type Taken = {
  /** The tokens that the call really used; fewer are given back, more are owed. Never throws. */
  readonly settle: (tokens: number | null) => void;
};

/** A complete answer as it is stored: JSON. */
export type StoredAnswer = {
  readonly text: string;
  readonly model: string;
  readonly tokens: CallTokens;
  readonly answeredAt: string;
  /** In US dollars; null when unknown. */
  readonly cost?: number | null | undefined;
  /** The step that paid for it. */
  readonly madeFor?: { readonly job: string; readonly step: string } | undefined;
};

/** Answers by the content of their question. */
export type AnswerStore = {
  /**
   * The stored answer; else the one that an equal call in flight, in any process, is about to give; else the
   * one that `make` gives, which is stored. An owner sees only its own answers unless the operator shares
   * them. `make` runs at most once per key at a time; those who wait have their own signals. A failure is
   * everybody's who waited in the same process, and is not stored; when the one who makes it gives up (its
   * signal), or its process dies, the next one makes it. Without a working store it just calls `make`.
   */
  readonly once: (
    asked: { readonly key: string; readonly owner: string | null; readonly signal: AbortSignal | undefined },
    make: () => Promise<StoredAnswer>,
  ) => Promise<{ readonly answer: StoredAnswer; readonly from: "made" | "cached" | "shared" }>;
  /** Puts an answer that was made anew in the place of the stored one. Never throws: it is only not kept then. */
  readonly replace: (
    asked: { readonly key: string; readonly owner: string | null },
    answer: StoredAnswer,
  ) => Promise<void>;
};

export type ModelPorts = {
  readonly ledger?: CallLedger;
  readonly limiter?: CallLimiter;
  readonly answers?: AnswerStore;
};
