import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { jobColumns } from "./find-jobs.ts";
import type { JobRecord } from "./find-jobs.ts";
import { jobCondition } from "./job-filter.ts";
import type { JobConditions } from "./job-filter.ts";

/** Whose jobs; null: those of nobody, as the product's own. */
export type Owners = readonly (string | null)[];

export type JobFilter = JobConditions & {
  readonly owners: Owners;
  /** Jobs with a smaller id: the last of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Jobs that are read at most for what no index tells: a text, or the worker that ran them. */
const searched = 10_000;

/**
 * Jobs of some owners, newest first. Read in order by job_payload_owner or, for a state that few are in, by
 * job_by_state; those that run by job_running. A search, and what a worker ran, is of the newest 10,000 from
 * `before` on.
 */
export async function listJobs(queryable: Queryable, filter: JobFilter): Promise<JobRecord[]> {
  const { owners, before, limit } = filter;
  const isSearch = filter.search !== undefined || filter.worker !== undefined;
  const isBefore = before === undefined ? sql`true` : sql`job.id < ${before}::uuid`;
  const pages = owners.flatMap((owner) => {
    const rows = sql`FROM job_payload payload JOIN job ON job.id = payload.job_id
      WHERE ${ofOwner(owner)} AND ${isBefore}`;
    if (isSearch)
      return sql`(
        SELECT job.id FROM (SELECT job.id ${rows} ORDER BY job.id DESC LIMIT ${searched}) AS latest
        JOIN job ON job.id = latest.id JOIN job_payload payload ON payload.job_id = job.id
        WHERE ${jobCondition(filter)} ORDER BY job.id DESC LIMIT ${limit})`;
    return stateByState(filter).map(
      (one) => sql`(SELECT job.id ${rows} AND ${jobCondition(one)} ORDER BY job.id DESC LIMIT ${limit})`,
    );
  });
  const found = await sql<JobRecord>`
    WITH page AS MATERIALIZED (
      SELECT id FROM (${sql.join(pages, sql` UNION ALL `)}) AS pages ORDER BY id DESC LIMIT ${limit}
    )
    SELECT ${jobColumns} JOIN page ON page.id = job.id ORDER BY job.id DESC`.execute(queryable);
  return found.rows;
}

/** With a list of states no index of one state is of use. */
function stateByState(filter: JobConditions): readonly JobConditions[] {
  const states = [...new Set(filter.states)];
  return states.length === 0 ? [filter] : states.map((state) => ({ ...filter, states: [state] }));
}

function ofOwner(owner: string | null): RawBuilder<unknown> {
  return owner === null ? sql`payload.owner IS NULL` : sql`payload.owner = ${owner}`;
}

/** That a row of `job` is of one of these. */
export function isOwnedBy(owners: Owners): RawBuilder<unknown> {
  const named = owners.filter((owner) => owner !== null);
  return owners.includes(null)
    ? sql`(job.owner IS NULL OR job.owner = ANY(${named}::text[]))`
    : sql`job.owner = ANY(${named}::text[])`;
}

/** What a worker runs now, the longest first, at most 100. */
export async function listRunning(
  queryable: Queryable,
  workerId: string,
  owners: Owners,
): Promise<JobRecord[]> {
  const found = await sql<JobRecord>`
    SELECT ${jobColumns} WHERE job.worker_id = ${workerId}::uuid AND ${isOwnedBy(owners)}
    ORDER BY job.claimed_at, job.id LIMIT 100`.execute(queryable);
  return found.rows;
}
