import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/** Pages of passages that are read for their mean length: an error of a few percent, in a number of estimates. */
const sampledPages = 200;

/**
 * Notes with a space how many passages there are, as their sources say, and about how many tokens they have: documents
 * come and go. Reads no more than a sample of the passages, for there may be millions; nobody waits for a lock
 * meanwhile but who stores vectors of the space.
 */
export async function countPassages(queryable: Queryable, spaceId: string): Promise<void> {
  await sql`
    WITH counted AS MATERIALIZED (
      SELECT (SELECT coalesce(sum(chunk_count), 0) FROM search_source) AS passages,
             (SELECT avg(token_count) FROM chunk TABLESAMPLE SYSTEM (least(100, 100.0 * ${sampledPages}::int
                * current_setting('block_size')::int / greatest(pg_relation_size('chunk'), 1))) REPEATABLE (1)) AS tokens)
    UPDATE embedding_space SET passages_total = passages, passages_done = least(passages_done, passages),
           tokens_total = CASE WHEN passages = 0 THEN 0 ELSE coalesce(round(passages * tokens), tokens_total) END
    FROM counted WHERE id = ${spaceId}`.execute(queryable);
}
