import { databaseUnavailable, jsonb, sqlFailure } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import type { CallRecord } from "@millrace/models";
import { sql } from "kysely";
import { toCallRow } from "./call-row.ts";
import type { CallRow } from "./call-row.ts";

/** So many wait to be written, some 5 MB; of more nothing is listed. */
const defaultMaxWaiting = 10_000;
const batchSize = 500;
const flushMs = 1_000;
/** For the last ones, when the process stops while the database is away. */
const stopTries = 3;

/** Lists calls in the database, behind those who make them. What does not fit is counted and left out. */
export class CallList implements Service {
  readonly name = "list of model calls";
  readonly #database: QueryAccess;
  readonly #logger: Logger;
  readonly #maxWaiting: number;
  readonly #onDropped: (count: number) => void;
  #waiting: CallRow[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isStopped = false;
  #isFailing = false;

  constructor(parts: {
    readonly database: QueryAccess;
    readonly logger: Logger;
    /** Told how many calls are not listed. */
    readonly onDropped: (count: number) => void;
    /** Default 10,000. */
    readonly maxWaiting?: number;
  }) {
    this.#database = parts.database;
    this.#logger = parts.logger;
    this.#onDropped = parts.onDropped;
    this.#maxWaiting = parts.maxWaiting ?? defaultMaxWaiting;
  }

  async start(): Promise<void> {}

  /** Writes what waits. What can't be written by then is counted as left out. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (let tries = 1; tries <= stopTries && this.#waiting.length > 0; tries++) await this.flush();
    if (this.#waiting.length > 0) this.#drop(this.#waiting.splice(0).length);
  }

  /** Never waits and never throws. */
  readonly add = (call: CallRecord): void => {
    if (this.#waiting.length >= this.#maxWaiting || this.#isStopped) return this.#drop(1);
    this.#waiting.push(toCallRow(call));
    if (this.#waiting.length === batchSize) void this.flush();
    else this.#schedule();
  };

  /** Writes what waits now; resolves when that was tried. */
  async flush(): Promise<void> {
    await (this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) this.#schedule();
    }));
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, flushMs);
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, batchSize);
      const isDone = await this.#insert(batch);
      if (!isDone) return;
      this.#waiting.splice(0, batch.length);
    }
  }

  /** False: it is to be tried again. Twice is as once: a call has an id. */
  async #insert(batch: readonly CallRow[]): Promise<boolean> {
    try {
      await insertCalls(this.#database, batch);
      this.#isFailing = false;
      return true;
    } catch (error) {
      // What the database refuses now, it refuses for ever, and everything behind it would wait.
      const isRefused = sqlFailure(error) !== undefined && databaseUnavailable(error) === undefined;
      if (isRefused || !this.#isFailing)
        this.#logger.warn(
          { err: toError(error), calls: batch.length, isRefused },
          "model calls could not be listed",
        );
      this.#isFailing = true;
      if (isRefused) this.#drop(batch.length);
      return isRefused;
    }
  }

  #drop(count: number): void {
    this.#onDropped(count);
  }
}

async function insertCalls({ queryable }: QueryAccess, rows: readonly CallRow[]): Promise<void> {
  await sql`
    INSERT INTO model_call (id, called_at, owner, job_id, step, purpose, kind, model, prompt, outcome, error_code,
      input_tokens, output_tokens, cached_input_tokens, cost, latency_ms)
    SELECT * FROM jsonb_to_recordset(${jsonb(rows)}) AS given (id uuid, called_at timestamptz, owner text, job_id uuid,
      step text, purpose text, kind text, model text, prompt text, outcome text, error_code text,
      input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, cost numeric, latency_ms double precision)
    ON CONFLICT (id) DO NOTHING`.execute(queryable);
}
