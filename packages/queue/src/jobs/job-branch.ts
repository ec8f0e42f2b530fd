import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { findJobs } from "./find-jobs.ts";
import type { JobRecord } from "./find-jobs.ts";

/** A job with the jobs that it is the parent of. */
export type JobBranchRecord = {
  readonly job: JobRecord;
  readonly children: readonly JobBranchRecord[];
  /** There are more children, or more levels, than are shown. */
  readonly hasMore: boolean;
};

/** Levels and jobs in one answer: what a page can draw. */
const maxLevels = 10;
const maxJobs = 2_000;

type Row = { readonly id: string; readonly parent_id: string; readonly nth: number };

type Branch = {
  readonly members: number;
  /** Children may be of other owners: those that are not to be seen are left out, with all below them. */
  readonly mayBeSeen: (owner: string | null) => boolean;
};

/** Of each job at most `members` children, the oldest. */
export async function readJobBranch(
  queryable: Queryable,
  job: JobRecord,
  { members, mayBeSeen }: Branch,
): Promise<JobBranchRecord> {
  const rows: Row[] = [];
  const hasMore = new Set<string>();
  let parents = [job.id];
  for (let level = 1; parents.length > 0; level++) {
    // One more of each than is shown tells whether there are more.
    const found = await sql<Row>`
      SELECT child.id, child.parent_id, child.nth FROM unnest(${parents}::uuid[]) AS parent (id)
      CROSS JOIN LATERAL (
        SELECT id, parent_id, row_number() OVER (ORDER BY id) AS nth FROM job WHERE job.parent_id = parent.id
        ORDER BY id LIMIT ${members + 1}
      ) AS child
      ORDER BY child.id LIMIT ${maxJobs}`.execute(queryable);
    const isOver = level > maxLevels || rows.length + found.rows.length > maxJobs;
    for (const row of found.rows) if (isOver || row.nth > members) hasMore.add(row.parent_id);
    const shown = isOver ? [] : found.rows.filter(({ nth }) => nth <= members);
    rows.push(...shown);
    parents = shown.map(({ id }) => id);
  }
  const records = await findJobs(
    queryable,
    rows.map(({ id }) => id),
  );
  const byId = new Map(records.map((record) => [record.id, record]));
  const children = Map.groupBy(rows, ({ parent_id }) => parent_id);
  const build = (record: JobRecord): JobBranchRecord => ({
    job: record,
    children: (children.get(record.id) ?? []).flatMap(({ id }) => {
      const child = byId.get(id);
      return child === undefined || !mayBeSeen(child.owner) ? [] : [build(child)];
    }),
    hasMore: hasMore.has(record.id),
  });
  return build(job);
}
