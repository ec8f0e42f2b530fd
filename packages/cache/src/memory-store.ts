import { LRUCache } from "lru-cache";
import type { Beginning, CacheEntry, CacheStore, Lock } from "./cache-store.ts";

/** Untuned: enough for what one process computes often, little beside what it needs otherwise. */
const defaultMaxBytes = 64 * 1_048_576;
const defaultMaxEntries = 50_000;
/** What an entry takes beside its texts, about. */
const entryBytes = 200;

type Held = Lock & { untilMs: number };

/**
 * Keeps values in this process, for as long as it lives; the least recently used go first. At most
 * `maxBytes` (default 64 MiB) and `maxEntries` (default 50,000).
 */
export class MemoryStore implements CacheStore {
  readonly #entries: LRUCache<string, CacheEntry>;
  readonly #keysByTag = new Map<string, Set<string>>();
  /** One for each value that is being computed. */
  readonly #locks = new Map<string, Held>();

  constructor(limits: { readonly maxBytes?: number; readonly maxEntries?: number } = {}) {
    this.#entries = new LRUCache<string, CacheEntry>({
      max: limits.maxEntries ?? defaultMaxEntries,
      maxSize: limits.maxBytes ?? defaultMaxBytes,
      // Two bytes a character, as JavaScript keeps what is not plain ASCII.
      sizeCalculation: ({ text, tags }, key) =>
        2 * (text.length + key.length + tags.join().length) + entryBytes,
      dispose: ({ tags }, key) => this.#unlink(key, tags),
    });
  }

  async read(key: string): Promise<string | undefined> {
    return this.#entries.get(key)?.text;
  }

  async write(key: string, entry: CacheEntry): Promise<void> {
    this.#locks.delete(key);
    this.#keep(key, entry);
  }

  async remove(key: string): Promise<void> {
    this.#locks.delete(key);
    this.#entries.delete(key);
  }

  async removeByTag(tag: string): Promise<void> {
    const begun = [...this.#locks].filter(([, { tags }]) => tags.includes(tag)).map(([key]) => key);
    for (const key of [...begun, ...(this.#keysByTag.get(tag) ?? [])]) await this.remove(key);
  }

  async discard(key: string, text: string): Promise<void> {
    if (this.#entries.get(key)?.text === text) this.#entries.delete(key);
  }

  async begin(key: string, lock: Lock): Promise<Beginning> {
    const text = this.#entries.get(key)?.text;
    if (text !== undefined) return { kind: "found", text };
    if ((this.#locks.get(key)?.untilMs ?? 0) > performance.now()) return { kind: "busy" };
    this.#locks.set(key, { ...lock, untilMs: performance.now() + lock.lockMs });
    return { kind: "begun" };
  }

  async extend(key: string, { token, lockMs }: Lock): Promise<void> {
    const held = this.#locks.get(key);
    if (held?.token === token) held.untilMs = performance.now() + lockMs;
  }

  async finish(key: string, token: string, entry: CacheEntry | undefined): Promise<void> {
    if (this.#locks.get(key)?.token !== token) return;
    this.#locks.delete(key);
    if (entry !== undefined) this.#keep(key, entry);
  }

  #keep(key: string, entry: CacheEntry): void {
    // First, so that the tags of the former value are unlinked before the new ones are linked.
    this.#entries.delete(key);
    this.#entries.set(key, entry, { ttl: entry.ttlMs });
    // One that alone is larger than everything may be was not taken.
    if (!this.#entries.has(key)) return;
    for (const tag of entry.tags) {
      const keys = this.#keysByTag.get(tag) ?? new Set();
      this.#keysByTag.set(tag, keys.add(key));
    }
  }

  #unlink(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#keysByTag.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysByTag.delete(tag);
    }
  }
}
