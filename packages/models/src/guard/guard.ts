import { errorCode, isMillraceError, newId, raceAgainst, toError } from "@millrace/kernel";
import type { Clock, Logger } from "@millrace/kernel";
import { toModelError } from "../calls/provider-errors.ts";
import { silentWaitSeconds } from "../errors.ts";
import type { CallOrigin, CallRecord, CallTokens, ModelPorts } from "../ports.ts";
import { costOf, mostCostOf } from "../prices/cost.ts";
import type { Prices } from "../prices/prices.ts";
import { tokensSoFar, totalTokens, unknownTokens, withUse } from "./call-tokens.ts";
import type { Heard } from "./call-tokens.ts";
import { startDeadlines } from "./deadlines.ts";
import type { Deadlines, DeadlineTimes } from "./deadlines.ts";
import type { Endpoint } from "./endpoint.ts";
import { takeFromLimiter, waitWhileHeld } from "./rate-limit.ts";

export type GuardParts = {
  readonly ports: ModelPorts;
  readonly prices: Prices;
  readonly times: DeadlineTimes;
  readonly logger: Logger;
  readonly clock: Clock;
};

/** What a call is about, for the budget, the limits and the ledger. */
export type CallAbout = {
  readonly origin: CallOrigin;
  readonly purpose: string;
  readonly prompt: string | null;
  /** Estimates, for what is set aside before. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly signal: AbortSignal | undefined;
};

/** What a send gives: `failure` where tokens were used and there is no answer all the same. */
type Sent = { readonly tokens: CallTokens; readonly failure?: Error };

export type Called<T extends Sent> = { readonly sent: T; readonly cost: number | null };

/** Makes the request; what it hears of a streamed answer it notes as it comes. */
type Send<T extends Sent> = (deadlines: Deadlines, signal: AbortSignal, heard: Heard) => Promise<T>;

/**
 * The one way to a model: money is set aside, requests and tokens are taken from the limits, a place is waited
 * for, the breaker is asked, the call is made under its deadlines, and everything is settled and listed
 * however it ends. Nothing is tried twice here.
 */
export class Guard {
  readonly #parts: GuardParts;

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  get ports(): ModelPorts {
    return this.#parts.ports;
  }

  async call<T extends Sent>(endpoint: Endpoint, about: CallAbout, send: Send<T>): Promise<Called<T>> {
    about.signal?.throwIfAborted();
    const call = new OneCall(endpoint, about, this.#parts);
    if (endpoint.builtIn) return await call.make(send);
    endpoint.assertMayCall();
    const { ledger, limiter } = this.#parts.ports;
    const { origin, purpose, inputTokens, outputTokens } = about;
    const model = endpoint.name;
    const most = mostCostOf(this.#parts.prices, model, { inputTokens, outputTokens });
    const tokens = inputTokens + outputTokens;
    const reservation = await ledger?.reserve({ origin, purpose, model, cost: most, tokens });
    try {
      const wanted = { model, owner: origin.owner, tokens };
      const taken = limiter && (await takeFromLimiter(limiter, wanted, about.signal));
      try {
        return await endpoint.limit.run(async () => {
          await waitWhileHeld(endpoint, about.signal);
          endpoint.begin();
          return await call.make(send);
        }, about.signal);
      } finally {
        taken?.settle(call.usedTokens);
      }
    } finally {
      await reservation?.settle(call.spent, call.usedTokens);
    }
  }

  /** Lists an answer that was there, or that an equal call gave: it cost nothing. */
  recordReused(
    model: string,
    about: Pick<CallAbout, "origin" | "purpose" | "prompt">,
    from: "cached" | "shared",
  ): void {
    const { ports, clock } = this.#parts;
    ports.ledger?.record({
      ...{ id: newId(), kind: "chat", model, outcome: from, errorCode: null, cost: 0, latencyMs: 0 },
      ...{ origin: about.origin, purpose: about.purpose, prompt: about.prompt, at: clock.now() },
      tokens: { input: 0, output: 0, cachedInput: 0 },
    });
  }
}

/** How a failed call counts for the breaker. What the caller or an administrator did wrong says nothing of the server. */
const serverFaults: ReadonlySet<string> = new Set([
  "model_unreachable",
  "model_timeout",
  "model_overloaded",
  "model_stream_failed",
]);

/** Whether we gave the call up; a server or a gateway that says 408 or 504 has itself. */
function isOurTimeout(error: Error | undefined): boolean {
  return isMillraceError(error) && error.code === "model_timeout" && error.details["status"] === undefined;
}

class OneCall {
  readonly #endpoint: Endpoint;
  readonly #about: CallAbout;
  readonly #parts: GuardParts;
  /** Until the call is made it used nothing. */
  usedTokens: number | null = 0;
  spent: number | null = 0;

  constructor(endpoint: Endpoint, about: CallAbout, parts: GuardParts) {
    this.#endpoint = endpoint;
    this.#about = about;
    this.#parts = parts;
  }

  async make<T extends Sent>(send: Send<T>): Promise<Called<T>> {
    const { clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    const end = (tokens: CallTokens, error?: Error) =>
      this.#end(tokens, error, Math.round(clock.monotonicMs() - startedMs));
    try {
      const sent = await this.#send(send);
      const cost = end(sent.tokens, sent.failure);
      if (sent.failure !== undefined)
        throw withUse(sent.failure, { model: this.#endpoint.name, tokens: sent.tokens, cost });
      return { sent, cost };
    } catch (thrown) {
      const error = toError(thrown);
      if (!this.#isEnded) end(unknownTokens, error);
      throw error;
    }
  }

  #isEnded = false;
  readonly #heard: Heard = { text: "", aside: "", isStream: false };

  /** Under the deadlines. What comes out is the caller's own reason, or one of our errors. */
  async #send<T extends Sent>(send: Send<T>): Promise<T> {
    const { times, clock } = this.#parts;
    const { name, builtIn } = this.#endpoint;
    const { signal } = this.#about;
    // The thread of the built-in model keeps the time of each text; waiting in its line does not count.
    const deadlines = startDeadlines(name, builtIn ? builtInTimes : times);
    const ended = signal === undefined ? deadlines.signal : AbortSignal.any([signal, deadlines.signal]);
    try {
      return await raceAgainst(ended, send(deadlines, ended, this.#heard));
    } catch (thrown) {
      if (signal?.aborted === true) throw toError(signal.reason);
      if (deadlines.signal.aborted) throw toError(deadlines.signal.reason);
      throw toModelError(thrown, name, clock.now());
    } finally {
      deadlines.stop();
    }
  }

  #end(tokens: CallTokens, error: Error | undefined, latencyMs: number): number | null {
    this.#isEnded = true;
    const endpoint = this.#endpoint;
    const { ports, prices, clock, logger } = this.#parts;
    const { origin, purpose, prompt, signal } = this.#about;
    const cost = endpoint.builtIn ? 0 : costOf(prices, endpoint.name, tokens);
    const isCancelled = error !== undefined && signal?.aborted === true;
    const code = error === undefined || isCancelled ? null : errorCode(error);
    const outcome: CallRecord["outcome"] =
      error === undefined ? "answered" : isCancelled ? "cancelled" : "failed";
    const isLeft = isCancelled || isOurTimeout(error);
    const counted = isLeft ? tokensSoFar(tokens, this.#about.inputTokens, this.#heard) : tokens;
    this.usedTokens = totalTokens(counted);
    this.spent = isLeft && !endpoint.builtIn ? costOf(prices, endpoint.name, counted) : cost;
    // A failure that counted no tokens is taken for free: a budget must not be eaten by a server's bad day.
    if (error !== undefined) this.spent ??= 0;
    if (!endpoint.builtIn) this.#tellOthers(error, isCancelled);
    ports.ledger?.record({
      ...{ id: newId(), origin, purpose, kind: endpoint.kind, model: endpoint.name, prompt },
      ...{ outcome, errorCode: code, tokens, cost, latencyMs, at: clock.now() },
    });
    const seen = { purpose, model: endpoint.name, ...tokens, cost, latencyMs };
    if (outcome === "failed") logger.info({ ...seen, code }, "a model call failed");
    else logger.debug({ ...seen, outcome }, "a model call ended");
    return cost;
  }

  #tellOthers(error: Error | undefined, isCancelled: boolean): void {
    const endpoint = this.#endpoint;
    const code = errorCode(error);
    if (isCancelled) return endpoint.ended("unknown");
    if (error !== undefined && serverFaults.has(code)) return endpoint.ended("failing");
    if (code !== "model_rate_limited" || !isMillraceError(error)) return endpoint.ended("alive");
    const waitMs = (error.retryAfterSeconds ?? silentWaitSeconds) * 1000;
    if (waitMs > 0) {
      endpoint.holdBack(waitMs);
      this.#parts.ports.limiter?.holdBack(endpoint.name, waitMs);
    }
    endpoint.ended("refusing");
  }
}

// The line before the built-in model's thread is bounded, and each place in it has its own limit.
const builtInTimes: DeadlineTimes = {
  firstByteMs: 30 * 60_000,
  firstChunkMs: 30 * 60_000,
  idleMs: 30 * 60_000,
  totalMs: 30 * 60_000,
};
