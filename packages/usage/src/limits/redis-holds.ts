import type { RedisConnection } from "@millrace/cache";

/** Lengthens, never shortens: two processes may have been told different times. KEYS hold; ARGV ms. */
const holdScript = `
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end`;

/** Where installations have Redis, and what their keys begin with. */
export type SharedRedis = { readonly redis: RedisConnection; readonly prefix: string };

/**
 * Models that are held back, in Redis, so that all processes know before their next call instead of at their next
 * look into the database, which has it too: what Redis forgets or does not answer costs that second. A hold is a
 * key that ends with it, by Redis's clock alone.
 */
export class RedisHolds {
  readonly #redis: RedisConnection;
  readonly #prefix: string;
  /** Calls that come while a model is being asked for get the same answer. */
  readonly #asking = new Map<string, Promise<number>>();

  constructor({ redis, prefix }: SharedRedis) {
    this.#redis = redis;
    this.#prefix = `${prefix}model:held:`;
  }

  /** Never rejects. */
  async hold(model: string, ms: number): Promise<void> {
    await this.#redis.attempt(
      (redis) => redis.eval(holdScript, 1, `${this.#prefix}${model}`, Math.ceil(ms)),
      undefined,
    );
  }

  /** For how many milliseconds more; 0 when it is not, or when nobody knows. Never rejects. */
  heldMs(model: string): Promise<number> {
    const asking = this.#asking.get(model) ?? this.#ask(model).finally(() => this.#asking.delete(model));
    this.#asking.set(model, asking);
    return asking;
  }

  async #ask(model: string): Promise<number> {
    return Math.max(0, await this.#redis.attempt((redis) => redis.pttl(`${this.#prefix}${model}`), 0));
  }
}
