import { databaseUnavailable } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { Beginning, CacheEntry, CacheStore, Lock } from "./cache-store.ts";

const inMs = (ms: number) => sql`now() + ${ms}::double precision * interval '1 millisecond'`;

/** Keeps values in an unlogged table: what several processes share where there is no Redis. */
export class PostgresStore implements CacheStore {
  readonly #database: QueryAccess;
  readonly #logger: Logger;
  #isAway = false;

  constructor({ database, logger }: { readonly database: QueryAccess; readonly logger: Logger }) {
    this.#database = database;
    this.#logger = logger;
  }

  async read(key: string): Promise<string | undefined> {
    const rows = await this.#run(
      sql<{ value: string }>`
        SELECT value FROM cache_entry WHERE key = ${key} AND value IS NOT NULL AND fresh_until > now()`,
    );
    return rows[0]?.value;
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

  async begin(key: string, { token, lockMs, tags }: Lock): Promise<Beginning> {
    const rows = await this.#run(
      sql<{ is_begun: boolean; value: string | null }>`
        WITH begun AS (
          INSERT INTO cache_entry AS known (key, fresh_until, tags, lock_token, lock_until, expires_at)
          VALUES (${key}, now(), ${[...tags]}::text[], ${token}::uuid, ${inMs(lockMs)}, ${inMs(lockMs)})
          ON CONFLICT (key) DO UPDATE SET value = NULL, bytes = 0, tags = excluded.tags,
            lock_token = excluded.lock_token, lock_until = excluded.lock_until, expires_at = excluded.expires_at
          WHERE (known.value IS NULL OR known.fresh_until <= now())
            AND (known.lock_until IS NULL OR known.lock_until <= now())
          RETURNING key
        )
        SELECT EXISTS (SELECT FROM begun) AS is_begun,
          (SELECT value FROM cache_entry WHERE key = ${key} AND fresh_until > now()) AS value`,
    );
    const [row] = rows;
    if (row === undefined || row.is_begun) return { kind: "begun" };
    return row.value === null ? { kind: "busy" } : { kind: "found", text: row.value };
  }

  async extend(key: string, { token, lockMs }: Lock): Promise<void> {
    await this.#run(sql`
      UPDATE cache_entry SET lock_until = ${inMs(lockMs)}, expires_at = ${inMs(lockMs)}
      WHERE key = ${key} AND lock_token = ${token}::uuid`);
  }

  async finish(key: string, token: string, entry: CacheEntry | undefined): Promise<void> {
    const held = sql`key = ${key} AND lock_token = ${token}::uuid`;
    if (entry === undefined) return void (await this.#run(sql`DELETE FROM cache_entry WHERE ${held}`));
    const { text, ttlMs, tags } = entry;
    await this.#run(sql`
      UPDATE cache_entry SET value = ${text}, bytes = ${Buffer.byteLength(text)}, fresh_until = ${inMs(ttlMs)},
        tags = ${[...tags]}::text[], expires_at = ${inMs(ttlMs)}, lock_token = NULL, lock_until = NULL
      WHERE ${held}`);
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
