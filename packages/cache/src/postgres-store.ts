import { databaseUnavailable } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { Batcher, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { Beginning, CacheEntry, CacheStore, Lock } from "./cache-store.ts";

const inMs = (ms: number) => sql`now() + ${ms}::double precision * interval '1 millisecond'`;

/** A batch of the largest values stays far below what one statement may carry. */
const maxTogether = 100;

type Asked = { readonly key: string; readonly lock: Lock };
type Computed = { readonly key: string; readonly token: string; readonly entry: CacheEntry };

/**
 * Keeps values in an unlogged table: what several processes share where there is no Redis. What many ask at
 * once goes to the database together.
 */
export class PostgresStore implements CacheStore {
  readonly #database: QueryAccess;
  readonly #logger: Logger;
  readonly #reads: Batcher<string, string | undefined>;
  readonly #beginnings: Batcher<Asked, Beginning>;
  readonly #endings: Batcher<Computed, void>;
  #isAway = false;

  constructor({ database, logger }: { readonly database: QueryAccess; readonly logger: Logger }) {
    this.#database = database;
    this.#logger = logger;
    const together = <Item, Result>(
      run: (items: readonly Item[]) => Promise<readonly Result[]>,
    ): Batcher<Item, Result> =>
      new Batcher({ maxSize: maxTogether, maxInFlight: 2, run, isOfOne: () => false });
    this.#reads = together((keys) => this.#read(keys));
    this.#beginnings = together((asked) => this.#begin(asked));
    this.#endings = together((computed) => this.#keep(computed));
  }

  read(key: string): Promise<string | undefined> {
    return this.#reads.add(key);
  }

  async #read(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    const rows = await this.#run(
      sql<{ key: string; value: string }>`
        SELECT key, value FROM cache_entry
        WHERE key = ANY(${keys}::text[]) AND value IS NOT NULL AND fresh_until > now()`,
    );
    const values = new Map(rows.map(({ key, value }) => [key, value]));
    return keys.map((key) => values.get(key));
  }

  async write(key: string, { text, ttlMs, tags }: CacheEntry): Promise<void> {
    await this.#run(sql`
      INSERT INTO cache_entry (key, value, bytes, fresh_until, tags, expires_at)
      VALUES (${key}, ${text}, ${Buffer.byteLength(text)}, ${inMs(ttlMs)}, ${[...tags]}::text[], ${inMs(ttlMs)})
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, bytes = excluded.bytes,
        fresh_until = excluded.fresh_until, tags = excluded.tags, expires_at = excluded.expires_at,
        lock_token = NULL, lock_until = NULL`);
  }

  async remove(key: string): Promise<void> {
    await this.#run(sql`DELETE FROM cache_entry WHERE key = ${key}`);
  }

  async removeByTag(tag: string): Promise<void> {
    // In the order of their keys, since another may delete by another tag of the same rows.
    await this.#run(sql`
      DELETE FROM cache_entry WHERE key IN (
        SELECT key FROM cache_entry WHERE tags @> ARRAY[${tag}]::text[] ORDER BY key FOR UPDATE)`);
  }

  async discard(key: string, text: string): Promise<void> {
    await this.#run(sql`DELETE FROM cache_entry WHERE key = ${key} AND value = ${text}`);
  }

  begin(key: string, lock: Lock): Promise<Beginning> {
    return this.#beginnings.add({ key, lock });
  }

  async #begin(asked: readonly Asked[]): Promise<readonly Beginning[]> {
    // In the order of their keys, since another process may begin with the same.
    const rows = await this.#run(
      sql<{ token: string; is_begun: boolean; value: string | null }>`
        WITH asked AS (
          SELECT key, token, now() + lock_ms * interval '1 millisecond' AS until,
            ARRAY(SELECT jsonb_array_elements_text(tags)) AS tags
          FROM unnest(
            ${asked.map(({ key }) => key)}::text[],
            ${asked.map(({ lock }) => lock.token)}::uuid[],
            ${asked.map(({ lock }) => lock.lockMs)}::double precision[],
            ${asked.map(({ lock }) => JSON.stringify(lock.tags))}::jsonb[]
          ) AS asked (key, token, lock_ms, tags)
        ), begun AS (
          INSERT INTO cache_entry AS known (key, fresh_until, tags, lock_token, lock_until, expires_at)
          SELECT DISTINCT ON (key) key, now(), tags, token, until, until FROM asked
          WHERE NOT EXISTS (
            SELECT FROM cache_entry WHERE key = asked.key AND value IS NOT NULL AND fresh_until > now())
          ORDER BY key
          ON CONFLICT (key) DO UPDATE SET value = NULL, bytes = 0, tags = excluded.tags,
            lock_token = excluded.lock_token, lock_until = excluded.lock_until, expires_at = excluded.expires_at
          WHERE (known.value IS NULL OR known.fresh_until <= now())
            AND (known.lock_until IS NULL OR known.lock_until <= now())
          RETURNING lock_token
        )
        SELECT asked.token, begun.lock_token IS NOT NULL AS is_begun, kept.value
        FROM asked
        LEFT JOIN begun ON begun.lock_token = asked.token
        LEFT JOIN cache_entry kept ON kept.key = asked.key AND kept.fresh_until > now()`,
    );
    const byToken = new Map(rows.map((row) => [row.token, row]));
    return asked.map(({ lock }) => {
      const row = byToken.get(lock.token);
      if (row === undefined || row.is_begun) return { kind: "begun" };
      return row.value === null ? { kind: "busy" } : { kind: "found", text: row.value };
    });
  }

  async extend(key: string, { token, lockMs }: Lock): Promise<void> {
    await this.#run(sql`
      UPDATE cache_entry SET lock_until = ${inMs(lockMs)}, expires_at = ${inMs(lockMs)}
      WHERE key = ${key} AND lock_token = ${token}::uuid`);
  }

  async finish(key: string, token: string, entry: CacheEntry | undefined): Promise<void> {
    if (entry !== undefined) return await this.#endings.add({ key, token, entry });
    await this.#run(sql`DELETE FROM cache_entry WHERE key = ${key} AND lock_token = ${token}::uuid`);
  }

  async #keep(computed: readonly Computed[]): Promise<readonly void[]> {
    const texts = computed.map(({ entry }) => entry.text);
    await this.#run(sql`
      UPDATE cache_entry AS known SET value = done.value, bytes = done.bytes,
        fresh_until = now() + done.ttl_ms * interval '1 millisecond',
        expires_at = now() + done.ttl_ms * interval '1 millisecond',
        tags = ARRAY(SELECT jsonb_array_elements_text(done.tags)), lock_token = NULL, lock_until = NULL
      FROM (
        SELECT done.* FROM unnest(
          ${computed.map(({ key }) => key)}::text[],
          ${computed.map(({ token }) => token)}::uuid[],
          ${texts}::text[],
          ${texts.map((text) => Buffer.byteLength(text))}::integer[],
          ${computed.map(({ entry }) => entry.ttlMs)}::double precision[],
          ${computed.map(({ entry }) => JSON.stringify(entry.tags))}::jsonb[]
        ) AS done (key, token, value, bytes, ttl_ms, tags)
        JOIN cache_entry held ON held.key = done.key AND held.lock_token = done.token
        ORDER BY held.key FOR UPDATE OF held
      ) AS done
      WHERE known.key = done.key AND known.lock_token = done.token`);
    return computed.map(() => undefined);
  }

  /** The rows of a statement, or none: with one line in the log for as long as it goes wrong. */
  async #run<Row>(statement: RawBuilder<Row>): Promise<readonly Row[]> {
    try {
      const { rows } = await statement.execute(this.#database.queryable);
      this.#isAway = false;
      return rows;
    } catch (error) {
      const cause = databaseUnavailable(error) ?? toError(error);
      if (!this.#isAway)
        this.#logger.warn({ err: cause }, "the cache's table can't be used: every value is a miss");
      this.#isAway = true;
      return [];
    }
  }
}
