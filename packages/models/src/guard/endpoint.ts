import { ConcurrencyLimit } from "@millrace/kernel";
import type { Clock } from "@millrace/kernel";
import type { StructuredOutput } from "../chat-model.ts";
import { modelErrors } from "../errors.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { BreakerState } from "./circuit-breaker.ts";

/** What one process knows of a model that it may call. */
export type EndpointState = {
  /** Such as `openai-compatible:gemma3`. */
  readonly name: string;
  readonly kind: "chat" | "embedding";
  readonly builtIn: boolean;
  /** `open`: left alone, until about `openForSeconds`. `half_open`: one call finds out. `recovering`: calls come back. */
  readonly breaker: BreakerState;
  readonly openForSeconds: number;
  readonly failuresInARow: number;
  readonly running: number;
  /** Calls that wait for a place. */
  readonly waiting: number;
  /** Null: any length, or unknown. */
  readonly contextTokens: number | null;
  /** The form in which it is asked for JSON; null before it was asked. */
  readonly structuredOutput: StructuredOutput["kind"] | null;
  /** Whether it called a tool when it was shown one; null: not seen yet. */
  readonly callsTools: boolean | null;
  /** Whether its streams say how many tokens they took; null: not seen yet. */
  readonly countsTokensOfStreams: boolean | null;
};

export type EndpointParts = {
  readonly name: string;
  readonly kind: "chat" | "embedding";
  readonly builtIn: boolean;
  readonly contextTokens: number | null;
  /** Most calls at the same time. */
  readonly concurrency: number;
  readonly clock: Clock;
};

/** One model as this process calls it: its breaker, its line, and what was learned of it. */
export class Endpoint {
  readonly name: string;
  readonly kind: "chat" | "embedding";
  readonly builtIn: boolean;
  readonly contextTokens: number | null;
  readonly limit: ConcurrencyLimit;
  readonly #breaker: CircuitBreaker;
  readonly #concurrency: number;
  readonly #clock: Clock;
  #heldUntilMs = -Infinity;
  /** Set when the model is loaded. */
  structuredOutput: { readonly current: StructuredOutput } | undefined;
  callsTools: boolean | null = null;
  countsTokensOfStreams: boolean | null = null;

  constructor(parts: EndpointParts) {
    this.name = parts.name;
    this.kind = parts.kind;
    this.builtIn = parts.builtIn;
    this.contextTokens = parts.contextTokens;
    this.#concurrency = parts.concurrency;
    this.#clock = parts.clock;
    this.#breaker = new CircuitBreaker(parts.clock);
    this.limit = new ConcurrencyLimit(() => this.#breaker.places(parts.concurrency));
  }

  /** Throws `model_unavailable` while the server is left alone. */
  assertMayCall(): void {
    const waitMs = this.#breaker.waitMs();
    if (waitMs === 0) return;
    throw modelErrors.unavailable({ model: this.name, retryAfterSeconds: Math.ceil(waitMs / 1000) });
  }

  begin(): void {
    this.assertMayCall();
    this.#breaker.begin();
  }

  /** The server wants to be left in peace for so long. */
  holdBack(waitMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#clock.monotonicMs() + waitMs);
  }

  /** For how long it still wants that; 0 or less when it does not. */
  heldMs(): number {
    return this.#heldUntilMs - this.#clock.monotonicMs();
  }

  /**
   * `alive`: it answered, if only that the request is wrong. `refusing`: it takes no more for now. `failing`: a
   * failure of the server. `unknown`: the call was given up.
   */
  ended(server: "alive" | "refusing" | "failing" | "unknown"): void {
    if (server === "alive") this.#breaker.succeeded(this.#concurrency);
    else if (server === "refusing") this.#breaker.refused(this.#concurrency);
    else if (server === "failing") this.#breaker.failed();
    else this.#breaker.abandoned();
  }

  state(): EndpointState {
    return {
      name: this.name,
      kind: this.kind,
      builtIn: this.builtIn,
      breaker: this.#breaker.state,
      openForSeconds: Math.ceil(this.#breaker.waitMs() / 1000),
      failuresInARow: this.#breaker.failuresInARow,
      running: this.limit.running,
      waiting: this.limit.waiting,
      contextTokens: this.contextTokens,
      structuredOutput: this.structuredOutput?.current.kind ?? null,
      callsTools: this.callsTools,
      countsTokensOfStreams: this.countsTokensOfStreams,
    };
  }
}
