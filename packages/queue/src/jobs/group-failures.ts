import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { commonMessage, jobCondition } from "./job-filter.ts";
import { isOwnedBy } from "./list-jobs.ts";
import type { Owners } from "./list-jobs.ts";
import { firstId } from "./select-jobs.ts";

/** Failed jobs of a task that failed alike. */
export type FailureGroupRecord = {
  readonly task: string;
  readonly error_code: string;
  /** With numbers, ids and quoted texts left out. */
  readonly error_message: string;
  /** That of the latest, as it was. */
  readonly sample_message: string;
  readonly count: number;
  readonly first_at: Date;
  readonly last_at: Date;
  /** The latest, at most five. */
  readonly job_ids: readonly string[];
};

export type FailureGroups = {
  readonly groups: readonly FailureGroupRecord[];
  /** Jobs that were looked at. */
  readonly examined: number;
  /** There are more failed jobs than were looked at, or more groups than asked for. */
  readonly isPartial: boolean;
};

const maxExamined = 10_000;
/** Failed jobs of all owners and tasks: a fraction of a second, however many are kept. */
const maxSearched = 100_000;

/**
 * The failed jobs of some owners by task, code and what their messages have in common, the largest group
 * first. Looks at the newest 10,000 of them that are among the newest 100,000 of all, by job_by_state.
 */
export async function groupFailures(
  queryable: Queryable,
  filter: {
    readonly owners: Owners;
    readonly queue?: string | undefined;
    readonly task?: string | undefined;
    readonly limit: number;
  },
): Promise<FailureGroups> {
  const { owners, queue, task, limit } = filter;
  const oldest = await findOldest(queryable);
  type Row = FailureGroupRecord & { readonly examined: number };
  const found = await sql<Row>`
    WITH latest AS MATERIALIZED (
      SELECT id, task, coalesce(error_code, '') AS error_code, coalesce(error_message, '') AS message,
             ${commonMessage} AS kind, finished_at
      FROM job WHERE ${isOwnedBy(owners)} AND ${jobCondition({ states: ["failed"], queue, task })}
        AND id >= ${oldest ?? firstId}::uuid
      ORDER BY id DESC LIMIT ${maxExamined + 1}
    )
    SELECT task, error_code, kind AS error_message, (array_agg(message ORDER BY finished_at DESC))[1] AS sample_message,
           count(*) AS count, min(finished_at) AS first_at, max(finished_at) AS last_at,
           to_json((array_agg(id ORDER BY finished_at DESC))[1:5]) AS job_ids,
           (SELECT count(*) FROM latest) AS examined
    FROM latest GROUP BY task, error_code, kind ORDER BY count(*) DESC, max(finished_at) DESC LIMIT ${limit + 1}`.execute(
    queryable,
  );
  const examined = found.rows[0]?.examined ?? 0;
  return {
    groups: found.rows.slice(0, limit).map(({ examined: _all, ...group }) => group),
    examined: Math.min(examined, maxExamined),
    isPartial: oldest !== undefined || examined > maxExamined || found.rows.length > limit,
  };
}

/** The last that is searched, when there are more failed jobs than that. */
async function findOldest(queryable: Queryable): Promise<string | undefined> {
  const found = await sql<{ id: string }>`
    SELECT id FROM job WHERE state = 'failed' ORDER BY id DESC OFFSET ${maxSearched - 1} LIMIT 2`.execute(
    queryable,
  );
  return found.rows.length === 2 ? found.rows[0]?.id : undefined;
}
