import { usageGroups } from "@millrace/contracts";
import type { UsageGroup } from "@millrace/contracts";
import type { QueryAccess, Queryable } from "@millrace/database";
import type { CallRecord } from "@millrace/models";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/** Whose calls: `null` stands for those of the installation itself. */
export type UsageOwners = readonly (string | null)[];

export type UsageFilter = {
  readonly owners: UsageOwners;
  readonly from: Date;
  readonly to: Date;
};

export type UsageSums = {
  readonly calls: number;
  readonly answered: number;
  /** Answers that were stored or shared, and cost nothing. */
  readonly saved: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_input_tokens: number;
  readonly cost: number;
  /** Answered calls of which nobody knows what they cost. */
  readonly unpriced: number;
};

export type UsageRow = UsageSums & Readonly<Record<UsageGroup, string | null>>;

export type ChargeSums = {
  readonly steps: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost: number;
  readonly unpriced: number;
};

/** Stored answers show the tokens that they once took: nobody pays for them again. */
const isPaid = sql`outcome NOT IN ('cached', 'shared')`;
const columnOf: Readonly<Record<UsageGroup, RawBuilder<unknown>>> = {
  day: sql`to_char(called_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  model: sql`model`,
  purpose: sql`purpose`,
};
const groupLimit = 1_000;

const owned = ({ owners, from, to }: UsageFilter, at: RawBuilder<unknown>) => sql`
  owner = ANY(${owners.map((owner) => owner ?? "")}::text[]) AND ${at} >= ${from} AND ${at} < ${to}`;

export type Usage = {
  /** At most 1,000 groups. */
  readonly data: UsageRow[];
  readonly total: UsageSums;
  readonly charged: ChargeSums;
};

/** Calls in groups and all together, and what is charged, all as of one moment though calls go on being written. */
export async function readUsage(
  { transaction }: Pick<QueryAccess, "transaction">,
  filter: UsageFilter,
  groups: readonly UsageGroup[],
): Promise<Usage> {
  return await transaction(async (reading) => {
    await sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`.execute(reading);
    const [total] = await sumCalls(reading, filter, []);
    if (total === undefined) throw new Error("a sum without groups gives one row");
    const data = await sumCalls(reading, filter, groups);
    return { data, total, charged: await sumCharges(reading, filter) };
  });
}

/** Sums of calls in groups: newest day first, then those that cost most; 1,000 at most. Without groups: one sum. */
export async function sumCalls(
  queryable: Queryable,
  filter: UsageFilter,
  groups: readonly UsageGroup[],
): Promise<UsageRow[]> {
  const columns = usageGroups.map((group) =>
    groups.includes(group)
      ? sql`${columnOf[group]} AS ${sql.ref(group)}`
      : sql`NULL::text AS ${sql.ref(group)}`,
  );
  const sum = (column: string) =>
    sql`coalesce(sum(${sql.ref(column)}) FILTER (WHERE ${isPaid}), 0)::double precision`;
  const found = await sql<UsageRow>`
    SELECT ${sql.join(columns)},
      count(*)::double precision AS calls,
      count(*) FILTER (WHERE outcome = 'answered')::double precision AS answered,
      count(*) FILTER (WHERE NOT ${isPaid})::double precision AS saved,
      count(*) FILTER (WHERE outcome = 'failed')::double precision AS failed,
      count(*) FILTER (WHERE outcome = 'cancelled')::double precision AS cancelled,
      ${sum("input_tokens")} AS input_tokens, ${sum("output_tokens")} AS output_tokens,
      ${sum("cached_input_tokens")} AS cached_input_tokens, ${sum("cost")} AS cost,
      count(*) FILTER (WHERE outcome = 'answered' AND cost IS NULL)::double precision AS unpriced
    FROM model_call WHERE ${owned(filter, sql`called_at`)}
    ${groups.length === 0 ? sql`` : sql`GROUP BY 1, 2, 3`}
    ORDER BY 1 DESC NULLS LAST, cost DESC, 2, 3 LIMIT ${groupLimit}`.execute(queryable);
  return found.rows;
}

/** What is charged: the recorded steps of jobs, each once. */
export async function sumCharges(queryable: Queryable, filter: UsageFilter): Promise<ChargeSums> {
  const found = await sql<ChargeSums>`
    SELECT count(*)::double precision AS steps, coalesce(sum(input_tokens), 0)::double precision AS input_tokens,
      coalesce(sum(output_tokens), 0)::double precision AS output_tokens,
      coalesce(sum(cost), 0)::double precision AS cost,
      count(*) FILTER (WHERE cost IS NULL)::double precision AS unpriced
    FROM model_charge WHERE ${owned(filter, sql`charged_at`)}`.execute(queryable);
  return found.rows[0] ?? { steps: 0, input_tokens: 0, output_tokens: 0, cost: 0, unpriced: 0 };
}

export type ListedCall = {
  readonly id: string;
  readonly called_at: Date;
  readonly owner: string;
  readonly job_id: string | null;
  readonly step: string | null;
  readonly purpose: string;
  readonly kind: CallRecord["kind"];
  readonly model: string;
  readonly prompt: string | null;
  readonly outcome: CallRecord["outcome"];
  readonly error_code: string | null;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly cost: number | null;
  readonly latency_ms: number;
};

/** Calls, newest first. `before` is the id that a former page ended with. Follows model_call_owner, or _job. */
export async function listCalls(
  queryable: Queryable,
  filter: {
    readonly owners: UsageOwners;
    readonly from?: Date | undefined;
    readonly to?: Date | undefined;
    readonly model?: string | undefined;
    readonly purpose?: string | undefined;
    readonly outcome?: CallRecord["outcome"] | undefined;
    readonly job?: string | undefined;
    readonly before?: string | undefined;
    readonly limit: number;
  },
): Promise<ListedCall[]> {
  const { owners, from = null, to = null, model = null, purpose = null, outcome = null } = filter;
  const { job, before, limit } = filter;
  // One owner at a time, so that each is read in the order of its index.
  const found = await sql<ListedCall>`
    SELECT listed.* FROM unnest(${owners.map((owner) => owner ?? "")}::text[]) AS wanted (owner) CROSS JOIN LATERAL (
      SELECT id, called_at, owner, job_id, step, purpose, kind, model, prompt, outcome, error_code, input_tokens,
        output_tokens, cached_input_tokens, cost::double precision AS cost, latency_ms
      FROM model_call AS call WHERE call.owner = wanted.owner
        AND (${from}::timestamptz IS NULL OR called_at >= ${from}::timestamptz)
        AND (${to}::timestamptz IS NULL OR called_at < ${to}::timestamptz)
        AND (${model}::text IS NULL OR model = ${model}::text)
        AND (${purpose}::text IS NULL OR purpose = ${purpose}::text)
        AND (${outcome}::text IS NULL OR outcome = ${outcome}::text)
        ${job === undefined ? sql`` : sql`AND job_id = ${job}::uuid`}
        ${before === undefined ? sql`` : sql`AND (called_at, id) < (SELECT called_at, id FROM model_call WHERE id = ${before}::uuid)`}
      ORDER BY called_at DESC, id DESC LIMIT ${limit}) AS listed
    ORDER BY listed.called_at DESC, listed.id DESC LIMIT ${limit}`.execute(queryable);
  return found.rows;
}
