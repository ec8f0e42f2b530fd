import type { JobState } from "@millrace/contracts";
import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { jobCondition } from "./job-filter.ts";
import type { JobConditions } from "./job-filter.ts";
import { isOwnedBy } from "./list-jobs.ts";
import type { Owners } from "./list-jobs.ts";

/** Jobs of some owners of which all that is given is true. */
export type JobSelection = JobConditions & { readonly owners: Owners };

/** Ids that are found at once: each look may read all jobs of a state. */
export const chunkSize = 10_000;
/** Before all others. */
export const firstId = "00000000-0000-0000-0000-000000000000";

/** The database's time. As text too: a Date would cut the microseconds. */
export async function readNow(
  database: QueryAccess,
): Promise<{ readonly text: string; readonly date: Date }> {
  const read = await sql<{ text: string; date: Date }>`SELECT now()::text AS text, now() AS date`.execute(
    database.queryable,
  );
  const [now] = read.rows;
  if (now === undefined) throw new Error("the database gave no time");
  return now;
}

/** How many there are in these states. One state at a time: with a list of them no index of one state is of use. */
export async function countMatches(
  database: QueryAccess,
  selection: JobSelection,
  states: readonly JobState[],
  since: RawBuilder<unknown>,
): Promise<number> {
  let matched = 0;
  for (const state of states) {
    const counted = await sql<{ count: number }>`
      SELECT count(*) AS count ${matching({ ...selection, states: [state] }, since)}`.execute(
      database.queryable,
    );
    matched += counted.rows[0]?.count ?? 0;
  }
  return matched;
}

/** The next ids after one, in order, at most `chunkSize`. */
export async function findMatches(
  database: QueryAccess,
  selection: JobSelection,
  { since, after }: { readonly since: RawBuilder<unknown>; readonly after: string },
): Promise<string[]> {
  const found = await sql<{ id: string }>`
    SELECT job.id ${matching(selection, since)} AND job.id > ${after}::uuid
    ORDER BY job.id LIMIT ${chunkSize}`.execute(database.queryable);
  return found.rows.map(({ id }) => id);
}

function matching(selection: JobSelection, since: RawBuilder<unknown>): RawBuilder<unknown> {
  const { tag, search, owners } = selection;
  const payload =
    tag === undefined && search === undefined
      ? sql``
      : sql`JOIN job_payload payload ON payload.job_id = job.id`;
  return sql`FROM job ${payload} WHERE ${isOwnedBy(owners)} AND ${jobCondition(selection)} AND ${since}`;
}
