import { databaseUnavailable } from "@millrace/database";
import type { Database, Queryable } from "@millrace/database";
import { sleep, toError } from "@millrace/kernel";
import { sql } from "kysely";
import { exactUpTo, scansOn } from "../querying/find-space.ts";
import { isLost, joinIndex } from "./broken-index.ts";
import { indexName, indexedType } from "./vector-type.ts";

/** What was done about the approximate index of a space, and why not. */
export type IndexCare = {
  readonly model: string;
  readonly outcome:
    | "kept"
    | "built"
    | "rebuilt"
    | "dropped"
    | "not_needed"
    | "not_possible"
    | "being_built"
    | "failed";
  readonly reason: string | null;
};

type SpaceRow = {
  id: string;
  model: string;
  dimensions: number;
  status: string;
  is_broken: boolean;
  /** `lost`: without its file. */
  index: "valid" | "invalid" | "lost" | "none";
};

/**
 * Sees that every space that is large enough has a usable approximate index: makes it where it is missing,
 * makes it anew where it is broken or was left half built, and drops that of a retired space. Searching goes
 * on meanwhile, comparing every vector. Never throws for an index; may take minutes, and may run twice at once.
 */
export async function keepVectorIndexes(database: Database, signal: AbortSignal): Promise<IndexCare[]> {
  // Its one connection would stand still while an index is built, and its folders are small.
  if (database.kind === "embedded") return [];
  const care: IndexCare[] = [];
  const spaces = await readSpaces(database.queryable);
  // They keep the server from every statement about the table, also for other spaces. Why one can't go is told below.
  for (const space of spaces)
    if (space.index === "lost") await drop(database, space, signal).catch(() => undefined);
  for (const space of spaces) {
    if (signal.aborted) break;
    const told = await careFor(database, space, signal).catch((error: unknown) => ({
      outcome: "failed" as const,
      reason: toError(error).message,
    }));
    care.push({ model: space.model, ...told });
  }
  return care;
}

async function careFor(
  database: Database,
  space: SpaceRow,
  signal: AbortSignal,
): Promise<Omit<IndexCare, "model">> {
  const { queryable } = database;
  const { index } = space;
  if (await isBeingBuilt(queryable)) return { outcome: "being_built", reason: null };
  if (space.status === "retired") {
    if (index !== "none") await drop(database, space, signal);
    return { outcome: index === "none" ? "not_needed" : "dropped", reason: "the space is retired" };
  }
  if (index === "valid" && !space.is_broken) return { outcome: "kept", reason: null };
  if (index !== "none") await drop(database, space, signal);
  // Before another one is built, which may take an hour: there is none now that vectors would have to wait for.
  await sql`UPDATE embedding_space SET index_broken_at = NULL WHERE id = ${space.id}`.execute(queryable);
  const type = indexedType(space.dimensions);
  if (type === undefined)
    return { outcome: "not_possible", reason: `${space.dimensions} dimensions are more than can be indexed` };
  const version = await vectorVersion(queryable);
  if (!scansOn(version)) return { outcome: "not_possible", reason: `pgvector ${version} is older than 0.8` };
  if (!(await isLarge(queryable, space)))
    return { outcome: "not_needed", reason: `up to ${exactUpTo} vectors are compared one by one` };
  await build(database, space, type, signal);
  return { outcome: index === "none" ? "built" : "rebuilt", reason: null };
}

async function readSpaces(queryable: Queryable): Promise<SpaceRow[]> {
  const found = await sql<SpaceRow>`
    SELECT embedding_space.id, model, dimensions, status, index_broken_at IS NOT NULL AS is_broken,
           CASE WHEN pg_index.indexrelid IS NULL THEN 'none' WHEN NOT pg_index.indisvalid THEN 'invalid'
                WHEN ${isLost} THEN 'lost' ELSE 'valid' END AS index
    FROM embedding_space LEFT JOIN ${joinIndex}
    ORDER BY embedding_space.id`.execute(queryable);
  return found.rows;
}

async function vectorVersion(queryable: Queryable): Promise<string | null> {
  const found = await sql<{ extversion: string }>`
    SELECT extversion FROM pg_extension WHERE extname = 'vector'`.execute(queryable);
  return found.rows[0]?.extversion ?? null;
}

/** As noted of the sources, or while it is filled of the way there: counting the vectors would read them all. */
async function isLarge(queryable: Queryable, space: SpaceRow): Promise<boolean> {
  const found = await sql<{ is_large: boolean }>`
    SELECT CASE WHEN status = 'building' THEN passages_done
                ELSE (SELECT coalesce(sum(chunk_count), 0) FROM search_source) END > ${exactUpTo} AS is_large
    FROM embedding_space WHERE id = ${space.id}`.execute(queryable);
  return found.rows[0]?.is_large ?? false;
}

/** An index of the table that is being built, by anybody, looks like one that was left half built. */
async function isBeingBuilt(queryable: Queryable): Promise<boolean> {
  const found = await sql`
    SELECT 1 FROM pg_stat_progress_create_index WHERE relid = to_regclass('chunk_embedding')`.execute(
    queryable,
  );
  return found.rows.length > 0;
}

/** It waits for every transaction that began before. */
async function drop(database: Database, space: SpaceRow, signal: AbortSignal): Promise<void> {
  await database.runLong(sql`DROP INDEX CONCURRENTLY IF EXISTS ${sql.id(indexName(space.id))}`, signal);
}

const waitMs = 2_000;

/**
 * CONCURRENTLY: writing goes on. Where the connection is lost meanwhile the server goes on, and what it has made is
 * looked for until it is there; one that watches for lost connections does not.
 */
async function build(
  database: Database,
  space: SpaceRow,
  type: "vector" | "halfvec",
  signal: AbortSignal,
): Promise<void> {
  const { queryable } = database;
  const operators = type === "vector" ? "vector_cosine_ops" : "halfvec_cosine_ops";
  const statement = sql`
    CREATE INDEX CONCURRENTLY IF NOT EXISTS ${sql.id(indexName(space.id))} ON chunk_embedding
    USING hnsw ((embedding::${sql.raw(`${type}(${space.dimensions})`)}) ${sql.raw(operators)})
    WHERE space_id = ${sql.lit(space.id)}`;
  try {
    await database.runLong(statement, signal);
  } catch (error) {
    if (databaseUnavailable(error) === undefined) throw error;
    while (await isBeingBuilt(queryable)) await sleep(waitMs, signal);
    const now = (await readSpaces(queryable)).find(({ id }) => id === space.id);
    if (now?.index !== "valid") throw error;
  }
}
