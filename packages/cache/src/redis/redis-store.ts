import { z } from "zod";
import type { Beginning, CacheEntry, CacheStore, Lock } from "../cache-store.ts";
import type { RedisConnection } from "./redis-connection.ts";
import {
  beginScript,
  deleteIfScript,
  extendScript,
  finishScript,
  removeTaggedScript,
  writeScript,
} from "./scripts.ts";

const beginAnswer = z.tuple([z.enum(["found", "busy", "begun"]), z.string()]);

/** Keys that one script deletes, while everybody else waits. */
const removeBatch = 500;

/** Keeps values in Redis, for all processes. Each has an end; how much there is of them is `maxmemory`'s to bound. */
export class RedisStore implements CacheStore {
  readonly #redis: RedisConnection;
  readonly #prefix: string;

  /** Keys are `<prefix>cache:…`. Who has the same prefix has the same values. */
  constructor({ redis, prefix }: { readonly redis: RedisConnection; readonly prefix: string }) {
    this.#redis = redis;
    this.#prefix = `${prefix}cache:`;
  }

  async read(key: string): Promise<string | undefined> {
    return (await this.#redis.attempt((redis) => redis.get(this.#value(key)), null)) ?? undefined;
  }

  async write(key: string, { text, ttlMs, tags }: CacheEntry): Promise<void> {
    await this.#eval(writeScript, [...this.#keys(key), ...this.#tags(tags)], [key, text, ttlMs]);
  }

  async remove(key: string): Promise<void> {
    await this.#redis.attempt((redis) => redis.del(this.#value(key), this.#lock(key)), 0);
  }

  async removeByTag(tag: string): Promise<void> {
    const tagKey = `${this.#prefix}tag:${tag}`;
    const prefixes = [this.#value(""), this.#lock("")];
    // What is added meanwhile may stay: not until somebody stops adding.
    const count = await this.#redis.attempt((redis) => redis.zcard(tagKey), removeBatch);
    for (let done = 0; done <= count; done += removeBatch) {
      const left = await this.#eval(removeTaggedScript, [tagKey], [...prefixes, removeBatch]);
      if (typeof left !== "number" || left === 0) return;
    }
  }

  async discard(key: string, text: string): Promise<void> {
    await this.#eval(deleteIfScript, [this.#value(key)], [text]);
  }

  async begin(key: string, { token, lockMs, tags }: Lock): Promise<Beginning> {
    const keys = [...this.#keys(key), ...this.#tags(tags)];
    const answer = await this.#eval(beginScript, keys, [key, token, lockMs]);
    const { data: [kind, text = ""] = [] } = beginAnswer.safeParse(answer);
    if (kind === "found") return { kind, text };
    return { kind: kind ?? "begun" };
  }

  async extend(key: string, { token, lockMs, tags }: Lock): Promise<void> {
    await this.#eval(extendScript, [this.#lock(key), ...this.#tags(tags)], [token, lockMs, key]);
  }

  async finish(key: string, token: string, entry: CacheEntry | undefined): Promise<void> {
    if (entry === undefined) return void (await this.#eval(deleteIfScript, [this.#lock(key)], [token]));
    const { text, ttlMs, tags } = entry;
    await this.#eval(finishScript, [...this.#keys(key), ...this.#tags(tags)], [key, text, ttlMs, token]);
  }

  /** Undefined when Redis is away. */
  #eval(script: string, keys: readonly string[], given: readonly (string | number)[]): Promise<unknown> {
    return this.#redis.attempt<unknown>(
      (redis) => redis.eval(script, keys.length, ...keys, ...given),
      undefined,
    );
  }

  #keys(key: string): readonly string[] {
    return [this.#value(key), this.#lock(key)];
  }

  #value(key: string): string {
    return `${this.#prefix}value:${key}`;
  }

  #lock(key: string): string {
    return `${this.#prefix}lock:${key}`;
  }

  #tags(tags: readonly string[]): readonly string[] {
    return tags.map((tag) => `${this.#prefix}tag:${tag}`);
  }
}
