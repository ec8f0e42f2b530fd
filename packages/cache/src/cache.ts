import { randomUUID } from "node:crypto";
import { MillraceError, parseJson, raceAgainst, sleep, StopError, toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import type { z } from "zod";
import type { CacheEntry, CacheStore, Lock } from "./cache-store.ts";
import { invalidCacheValue } from "./errors.ts";
import { assertKey, assertTag, assertTtl, checkTags, maxValueBytes } from "./limits.ts";

export type KeepOptions = {
  /** How long it is kept at most, in milliseconds: 1 to 30 days. */
  readonly ttlMs: number;
  /** Names by which many values are removed together. Default none; at most 16. */
  readonly tags?: readonly string[];
};

export type OnceOptions<Schema extends z.ZodType> = KeepOptions & {
  readonly schema: Schema;
  /**
   * How long others wait for a process that has died while it computed, in milliseconds. The lock is held for
   * as long as the computing goes on. Default 10,000.
   */
  readonly lockMs?: number;
  /** How long to wait for another process before computing beside it, in milliseconds. Default 60,000. */
  readonly waitMs?: number;
  /** Ends this caller's waiting, with the signal's reason; the computing goes on for the others. */
  readonly signal?: AbortSignal;
  /** Called before it resolves with what this call did not compute, and says where that comes from. */
  readonly onFound?: (from: FoundFrom) => void;
};

/** `kept`: it was there. `awaited`: somebody else was computing it. */
export type FoundFrom = "kept" | "awaited";

/**
 * Values that can be computed or fetched again, kept for a while. Anything in it may be gone at any time, and
 * a store that is away is an empty one: no method fails for it, or waits long. All throw `invalid_cache_use`
 * for a key, a tag or a time that can't be.
 */
export type Cache = {
  /** What is kept, as the schema reads it; undefined when there is nothing, or something of another shape. */
  readonly get: <Schema extends z.ZodType>(
    key: string,
    schema: Schema,
  ) => Promise<z.output<Schema> | undefined>;
  /** Keeps a value, as JSON, unless that is larger than 1 MiB. Throws `invalid_cache_value` for what is no JSON. */
  readonly set: (key: string, value: unknown, options: KeepOptions) => Promise<void>;
  /**
   * What is kept, else what `compute` gives, which is kept. Over all processes one computes while the others
   * wait for it. What it throws is thrown to those who wait in this process, and not kept. What is deleted
   * meanwhile is not kept either. Throws `invalid_cache_value` when the schema refuses what was computed.
   */
  readonly once: <Schema extends z.ZodType>(
    key: string,
    options: OnceOptions<Schema>,
    compute: () => Promise<z.input<Schema>>,
  ) => Promise<z.output<Schema>>;
  readonly delete: (key: string) => Promise<void>;
  /** Deletes everything that was kept with the tag. */
  readonly deleteByTag: (tag: string) => Promise<void>;
};

/** The pauses between two looks at a value that another process computes. */
const firstPauseMs = 5;
const maxPauseMs = 200;

const defaultLockMs = 10_000;
const defaultWaitMs = 60_000;

/** What somebody who asked found. With `miss`, `once` computes. */
export type CacheLookup = "hit" | "miss";

/** One that is under way in this process. */
type Flight = { readonly tags: readonly string[]; readonly fetched: Promise<Fetched> };

type Fetched = { readonly text: string; readonly from: FoundFrom | "computed" };

/** A cache over a store. As a service, `stop` ends the waiting for other processes. */
export class StoredCache implements Cache, Service {
  readonly name = "cache";
  readonly #store: CacheStore;
  readonly #logger: Logger;
  readonly #flights = new Map<string, Flight>();
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<(lookup: CacheLookup) => void>();

  constructor({ store, logger }: { readonly store: CacheStore; readonly logger: Logger }) {
    this.#store = store;
    this.#logger = logger;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopping.abort(new StopError("shutdown", "this process stops"));
  }

  async get<Schema extends z.ZodType>(key: string, schema: Schema): Promise<z.output<Schema> | undefined> {
    assertKey(key);
    const text = await this.#store.read(key);
    const found = text === undefined ? undefined : read(text, schema);
    this.#tell(found === undefined ? "miss" : "hit");
    return found?.value;
  }

  async set(key: string, value: unknown, options: KeepOptions): Promise<void> {
    assertKey(key);
    const entry = entryOf(toText(key, value), options);
    await (this.#fits(key, entry) ? this.#store.write(key, entry) : this.#store.remove(key));
    this.#flights.delete(key);
  }

  async once<Schema extends z.ZodType>(
    key: string,
    options: OnceOptions<Schema>,
    compute: () => Promise<z.input<Schema>>,
  ): Promise<z.output<Schema>> {
    assertKey(key);
    const { schema, signal, onFound } = options;
    const entry = entryOf("", options);
    signal?.throwIfAborted();
    const joined = this.#flights.get(key);
    if (joined !== undefined) {
      const { text, from } = await within(joined.fetched, signal);
      const found = read(text, schema);
      if (found !== undefined) {
        this.#tell("hit");
        onFound?.(from === "kept" ? "kept" : "awaited");
        return found.value;
      }
      // Two parts of a program keep different things under one key: this one does without the other's.
    }
    const flight = { tags: entry.tags, fetched: this.#fetch(key, options, entry, compute) };
    if (joined === undefined) this.#flights.set(key, flight);
    const forget = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.fetched.then(forget, forget);
    const { text, from } = await within(flight.fetched, signal);
    const found = read(text, schema);
    if (found === undefined) throw invalidCacheValue(key, undefined);
    if (from !== "computed") onFound?.(from);
    return found.value;
  }

  async delete(key: string): Promise<void> {
    assertKey(key);
    await this.#store.remove(key);
    // Who comes from now on must not be given what somebody began before.
    this.#flights.delete(key);
  }

  async deleteByTag(tag: string): Promise<void> {
    assertTag(tag);
    await this.#store.removeByTag(tag);
    for (const [key, flight] of this.#flights) if (flight.tags.includes(tag)) this.#flights.delete(key);
  }

  /** Calls back after each look, for counting, until the returned function is called. Must not throw. */
  onLookup(listener: (lookup: CacheLookup) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(lookup: CacheLookup): void {
    for (const listener of this.#listeners) listener(lookup);
  }

  /** The text that somebody has kept, or that this one computes when it is its turn. */
  async #fetch<Schema extends z.ZodType>(
    key: string,
    { schema, lockMs = defaultLockMs, waitMs = defaultWaitMs }: OnceOptions<Schema>,
    entry: CacheEntry,
    compute: () => Promise<z.input<Schema>>,
  ): Promise<Fetched> {
    const lock: Lock = { token: randomUUID(), lockMs, tags: entry.tags };
    const deadline = performance.now() + waitMs;
    let hasDiscarded = false;
    let from: FoundFrom = "kept";
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(maxPauseMs, pauseMs * 2)) {
      const beginning = await this.#store.begin(key, lock);
      if (beginning.kind === "begun") break;
      if (beginning.kind === "found") {
        if (read(beginning.text, schema) !== undefined) {
          this.#tell("hit");
          return { text: beginning.text, from };
        }
        if (hasDiscarded) break;
        // Of an older version of the program, perhaps. Once: others may go on writing it.
        hasDiscarded = true;
        await this.#store.discard(key, beginning.text);
        continue;
      }
      from = "awaited";
      if (performance.now() >= deadline) break;
      // Not all at the same moments.
      await sleep(pauseMs * (0.5 + Math.random() / 2), this.#stopping.signal);
    }
    return { text: await this.#compute(key, { schema, lock, entry }, compute), from: "computed" };
  }

  async #compute<Schema extends z.ZodType>(
    key: string,
    { schema, lock, entry }: { readonly schema: Schema; readonly lock: Lock; readonly entry: CacheEntry },
    compute: () => Promise<z.input<Schema>>,
  ): Promise<string> {
    this.#tell("miss");
    const beat = setInterval(() => void this.#store.extend(key, lock), lock.lockMs / 3);
    let computed: CacheEntry | undefined;
    try {
      const text = toText(key, await compute());
      const parsed = schema.safeParse(parseJson(text));
      if (!parsed.success) throw invalidCacheValue(key, parsed.error);
      const found = { ...entry, text };
      if (this.#fits(key, found)) computed = found;
      return text;
    } finally {
      clearInterval(beat);
      await this.#store.finish(key, lock.token, computed);
    }
  }

  #fits(key: string, { text }: CacheEntry): boolean {
    const bytes = Buffer.byteLength(text);
    if (bytes <= maxValueBytes) return true;
    this.#logger.warn({ key, bytes, maxValueBytes }, "a value is too large for the cache and is not kept");
    return false;
  }
}

function entryOf(text: string, { ttlMs, tags = [] }: KeepOptions): CacheEntry {
  assertTtl(ttlMs);
  return { text, ttlMs, tags: checkTags(tags) };
}

/** Throws `invalid_cache_value` for what JSON has no word for. */
function toText(key: string, value: unknown): string {
  try {
    const text: unknown = JSON.stringify(value);
    if (typeof text === "string") return text;
  } catch (error) {
    throw invalidCacheValue(key, toError(error));
  }
  throw invalidCacheValue(key, undefined);
}

/** Boxed, since a schema may read undefined. Undefined for what is no JSON or of another shape. */
function read<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
): { readonly value: z.output<Schema> } | undefined {
  try {
    const parsed = schema.safeParse(parseJson(text));
    return parsed.success ? { value: parsed.data } : undefined;
  } catch (error) {
    if (error instanceof MillraceError) return undefined;
    throw error;
  }
}

async function within<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  return await (signal === undefined ? promise : raceAgainst(signal, promise));
}
