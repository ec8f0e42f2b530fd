import { sleep, toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { Redis, ReplyError } from "ioredis";
import { withoutCommand } from "./without-command.ts";

/** A request waits for it: longer than that and PostgreSQL would have answered. */
const defaultTimeoutMs = 250;
/** After a command that got no answer: who asks next must not wait as long for the same. */
const restMs = 1_000;
/** Data is awaited and none comes: the connection is given up, and with it what still waits in it. */
const silenceMs = 2_000;
const maxReconnectMs = 2_000;
/** Commands on their way at once. Each holds its arguments until it is answered. */
const maxInFlight = 1_000;
/** What the server answers with, such as a key of a wrong type, is told of at most so often. */
const tellEveryMs = 60_000;

export type RedisStatus = {
  readonly isAnswering: boolean;
  /** What is wrong, for an operator; undefined when all is well. */
  readonly trouble?: string;
};

/** What became of a command, and after how long. */
export type RedisAttempt = {
  /** `refused`: Redis did not like it; `failed`: no answer in time; `skipped`: not tried, as Redis is away or slow. */
  readonly result: "answered" | "refused" | "failed" | "skipped";
  readonly ms: number;
};

export type RedisOptions = {
  readonly url: string;
  readonly logger: Logger;
  /** How long one command may take, in milliseconds. Default 250. */
  readonly timeoutMs?: number;
  /** What it is used for, in log lines and in Redis's list of clients. */
  readonly purpose: string;
};

/**
 * A connection to a Redis that the product can do without. A command that Redis doesn't answer in time is given
 * up, and for a second none is tried; nothing is queued while it is away. One line in the log says when it is
 * lost, and one when it is back.
 */
export class RedisConnection implements Service {
  readonly name: string;
  /** What it is used for, as it was given. */
  readonly purpose: string;
  readonly #redis: Redis;
  readonly #logger: Logger;
  readonly #listeners = new Set<(attempt: RedisAttempt) => void>();
  #inFlight = 0;
  #restsUntilMs = 0;
  /** From the last failure until the next command that succeeds. */
  #trouble: string | undefined;
  /** The server refuses writes: the address leads to another one later, or it becomes the primary. */
  #isReplica = false;
  #again: NodeJS.Timeout | undefined;
  #toldMs = -tellEveryMs;
  #isStopped = false;

  constructor({ url, logger, timeoutMs = defaultTimeoutMs, purpose }: RedisOptions) {
    this.purpose = purpose;
    this.name = `Redis as ${purpose}`;
    this.#logger = logger;
    this.#redis = new Redis(url, {
      lazyConnect: true,
      connectionName: `millrace ${purpose}`,
      commandTimeout: timeoutMs,
      connectTimeout: silenceMs,
      socketTimeout: silenceMs,
      enableOfflineQueue: false,
      // What was under way is lost with its connection: later nobody waits for it any more.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (times) => Math.min(maxReconnectMs, 50 * 2 ** times) * (0.5 + Math.random() / 2),
      // After a failover the former primary refuses writes: the address leads to the new one by now.
      reconnectOnError: (error) => !this.#isReplica && isOfReplica(error),
    });
    this.#redis.on("error", (error: Error) => this.#failed(error));
    this.#redis.on("close", () => this.#failed(new Error("the connection was closed")));
    this.#redis.on("ready", () => void this.#greet());
  }

  /**
   * Resolves when the first attempt to connect has come to an end, or after two seconds: a Redis that loads its data
   * takes connections and is of no use for as long as it takes. Others follow in the background.
   */
  async start(): Promise<void> {
    // "error" and "close" tell of it.
    const attempt = new AbortController();
    const attempted = this.#redis.connect().finally(() => attempt.abort());
    await Promise.race([attempted, sleep(silenceMs, attempt.signal)]).catch(() => undefined);
    if (this.#redis.status !== "ready" && this.#trouble === undefined)
      this.#failed(new Error("it takes long to get ready"));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#again);
    this.#redis.disconnect();
  }

  get status(): RedisStatus {
    return this.#trouble === undefined
      ? { isAnswering: true }
      : { isAnswering: false, trouble: `Redis does not answer: ${this.#trouble}` };
  }

  /** What the command gives; `otherwise` when Redis is away, too slow, or refuses it. Never rejects. */
  async attempt<Result>(command: (redis: Redis) => Promise<Result>, otherwise: Result): Promise<Result> {
    const startedMs = performance.now();
    const tell = (result: RedisAttempt["result"]): void => {
      for (const listener of this.#listeners) listener({ result, ms: performance.now() - startedMs });
    };
    const isResting = this.#isReplica || startedMs < this.#restsUntilMs;
    if (isResting || this.#redis.status !== "ready" || this.#inFlight >= maxInFlight) {
      tell("skipped");
      return otherwise;
    }
    this.#inFlight++;
    try {
      const result = await command(this.#redis);
      this.#answered();
      tell("answered");
      return result;
    } catch (thrown) {
      const error = toError(thrown);
      if (error instanceof ReplyError) {
        tell("refused");
        if (isOfReplica(error)) this.#foundReplica();
        else this.#refused(error);
      } else {
        tell("failed");
        this.#restsUntilMs = performance.now() + restMs;
        this.#failed(error);
      }
      return otherwise;
    } finally {
      this.#inFlight--;
    }
  }

  /** Calls back after each command, for counting, until the returned function is called. Must not throw. */
  onAttempt(listener: (attempt: RedisAttempt) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Asks a new connection what it leads to: a replica answers reads, and keeps nothing. */
  async #greet(): Promise<void> {
    let role: unknown = "master";
    try {
      [role] = await this.#redis.role();
    } catch (error) {
      // A user without the right to ask is told by the first write. Of all else "close" tells.
      if (!(error instanceof ReplyError)) return;
    }
    this.#isReplica = role === "slave";
    if (this.#isReplica) this.#foundReplica();
    else this.#answered();
  }

  /** Looks now and then what the address leads to. */
  #foundReplica(): void {
    this.#isReplica = true;
    this.#failed(new Error("the server is a replica, which keeps nothing"));
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#redis.disconnect(true), maxReconnectMs);
    this.#again.unref();
  }

  #answered(): void {
    if (this.#isReplica) return;
    if (this.#trouble !== undefined) this.#logger.info(`Redis answers again as ${this.purpose}`);
    this.#trouble = undefined;
  }

  #failed(error: Error): void {
    if (this.#isStopped) return;
    if (this.#trouble === undefined) {
      this.#logger.warn(
        { err: withoutCommand(error) },
        `Redis does not answer as ${this.purpose}: it goes on without, slower`,
      );
    }
    this.#trouble = error.message;
  }

  /** It answers, and this command it does not like. */
  #refused(error: Error): void {
    if (performance.now() - this.#toldMs < tellEveryMs) return;
    this.#toldMs = performance.now();
    this.#logger.warn({ err: withoutCommand(error) }, `Redis refused a command as ${this.purpose}`);
  }
}

function isOfReplica(error: Error): boolean {
  return error.message.startsWith("READONLY");
}
