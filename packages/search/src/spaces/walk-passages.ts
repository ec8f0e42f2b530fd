import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/** Before the first passage. */
export const beforeAll = "00000000-0000-0000-0000-000000000000";

/**
 * Passages of one statement: some ten milliseconds, and about a second on a disk that has to seek for each. Too small
 * costs round trips, too large keeps the embedded database's one connection.
 */
const stepSize = 1_000;

type MissingPassage = { readonly id: string; readonly text: string };

/** What lies next on the way through the passages, in the order of their ids, which is that of their age. */
type Step =
  | { readonly kind: "missing"; readonly passages: readonly MissingPassage[]; readonly passed: number }
  | { readonly kind: "passed"; readonly place: string; readonly passed: number }
  | { readonly kind: "end" };

type Row = { id: string; place: number; text: string | null };

/**
 * Looks at the next passages after a place: the first that have no vector of the space, up to `limit` of a step, with
 * how many were passed before the last of them; or that none of a whole step lacks one, and where it ended.
 * `isOld` leaves out those that were indexed within the last ten minutes: the job of their document is still at them.
 *
 * Reads the passages' index in order, and the vectors of each passage by the passage alone: what is known of how
 * many vectors a space has is never right while it is filled, and by the space the server would read them all.
 */
export async function takeStep(
  queryable: Queryable,
  spaceId: string,
  options: { readonly after: string; readonly limit: number; readonly isOld?: boolean },
): Promise<Step> {
  const { after, limit, isOld = false } = options;
  const isWanted = isOld ? isIndexedLongAgo : sql`true`;
  const found = await sql<Row>`
    WITH ahead AS MATERIALIZED (
      SELECT id FROM chunk WHERE id > ${after}::uuid ORDER BY id LIMIT ${stepSize}),
    numbered AS MATERIALIZED (SELECT id, row_number() OVER ()::int AS place FROM ahead),
    missing AS MATERIALIZED (
      SELECT id, place FROM numbered
      WHERE CASE WHEN ${spaceId}::uuid = ANY (ARRAY(SELECT space_id FROM chunk_embedding WHERE chunk_id = numbered.id))
                 THEN false ELSE ${isWanted} END
      LIMIT ${limit})
    SELECT id, place, (SELECT text FROM chunk WHERE chunk.id = missing.id) AS text FROM missing
    UNION ALL
    (SELECT id, place, NULL FROM numbered WHERE NOT EXISTS (SELECT FROM missing) ORDER BY place DESC LIMIT 1)`.execute(
    queryable,
  );
  const last = found.rows.toSorted((left, right) => left.place - right.place).at(-1);
  if (last === undefined) return { kind: "end" };
  if (last.text === null) return { kind: "passed", place: last.id, passed: last.place };
  const passages = found.rows.flatMap(({ id, text }) => (text === null ? [] : [{ id, text }]));
  return { kind: "missing", passages, passed: last.place - passages.length };
}

const isIndexedLongAgo = sql`(
  SELECT indexed_at < now() - interval '10 minutes' FROM search_source
  WHERE id = (SELECT source_id FROM chunk WHERE chunk.id = numbered.id))`;

/** How far all passages have a vector of a space. */
export type Look = {
  /** Whether to the end. */
  readonly isComplete: boolean;
  /** None up to here lacks one. */
  readonly place: string;
  /** So many are up to there. */
  readonly passages: number;
};

/** Looks from the first passage on, in steps, until one lacks a vector. Throws when the signal comes. */
export async function lookForMissing(
  queryable: Queryable,
  spaceId: string,
  signal: AbortSignal,
): Promise<Look> {
  let place = beforeAll;
  for (let passages = 0; ;) {
    signal.throwIfAborted();
    const step = await takeStep(queryable, spaceId, { after: place, limit: 1 });
    if (step.kind !== "passed") return { isComplete: step.kind === "end", place, passages };
    place = step.place;
    passages += step.passed;
  }
}
