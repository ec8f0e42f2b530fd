import { databaseUnavailable } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { ConcurrencyLimit, Logger } from "@millrace/kernel";
import { readsTooSlow } from "../errors.ts";

type SharedReadsParts<Question, Result> = {
  readonly limit: ConcurrencyLimit;
  /** Equal for questions with the same answer. */
  readonly keyOf: (question: Question) => string;
  readonly read: (question: Question) => Promise<Result>;
  /** How long a read may wait for a place before those who asked are told to come back. */
  readonly maxWaitMs: number;
  readonly logger: Logger;
};

/**
 * One read for all who ask the same at the same time. Who asks shares a read only while it has not begun:
 * one under way may have missed what the asker knows already. So of one key at most one read runs and one
 * waits, however many ask.
 */
export class SharedReads<Question, Result> {
  readonly #parts: SharedReadsParts<Question, Result>;
  readonly #waiting = new Map<string, Promise<Result>>();
  readonly #running = new Map<string, Promise<Result>>();

  constructor(parts: SharedReadsParts<Question, Result>) {
    this.#parts = parts;
  }

  /** Rejects with `live_busy` when no place became free in time, else as the read does. */
  read(question: Question): Promise<Result> {
    const key = this.#parts.keyOf(question);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const next = this.#waitAndRead(key, question);
    this.#waiting.set(key, next);
    return next;
  }

  async #waitAndRead(key: string, question: Question): Promise<Result> {
    const { limit, maxWaitMs } = this.#parts;
    // Its failure is told to those who asked for it.
    await this.#running.get(key)?.catch(() => undefined);
    const tooLate = AbortSignal.timeout(maxWaitMs);
    let hasBegun = false;
    try {
      return await limit.run(() => {
        hasBegun = true;
        return this.#readNow(key, question);
      }, tooLate);
    } catch (error) {
      if (hasBegun) throw error;
      this.#waiting.delete(key);
      throw readsTooSlow(maxWaitMs);
    }
  }

  async #readNow(key: string, question: Question): Promise<Result> {
    this.#waiting.delete(key);
    const reading = this.#parts.read(question);
    this.#running.set(key, reading);
    try {
      return await reading;
    } catch (error) {
      if (databaseUnavailable(error) !== undefined)
        this.#parts.logger.warn({ err: toError(error) }, "could not read for those who watch");
      throw error;
    } finally {
      this.#running.delete(key);
    }
  }
}
