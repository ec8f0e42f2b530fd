import type { AlarmKind } from "@millrace/contracts";
import { jsonText } from "@millrace/database";
import type { QueryAccess, Queryable, Transaction } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { withWriteScope } from "../write-scope.ts";
import { alarmSeverities, happenedKinds, ownAlarmKinds } from "./alarm-condition.ts";
import type { AlarmCondition } from "./alarm-condition.ts";
import { alarmColumns } from "./alarm-row.ts";
import type { AlarmRecord } from "./alarm-row.ts";

/** What a look is the judge of. */
export type LookScope =
  | {
      /** Of these kinds, whatever the subject; and of processes that say nothing more of themselves. */
      readonly kinds: readonly AlarmKind[];
      /** The number that `takeTurn` gave: a look that was overtaken writes nothing. */
      readonly turn: number;
    }
  /** What this process measures of itself. */
  | { readonly process: string };

export type LookRules = {
  /** How far looks are apart. */
  readonly everyMs: number;
  /** So many looks in a row must find something before it is raised, and must miss it before it is cleared. */
  readonly afterLooks: number;
  /** Whether a webhook is to be told. */
  readonly tells: boolean;
};

export type LookResult = {
  readonly raised: readonly AlarmRecord[];
  readonly cleared: readonly AlarmRecord[];
};

const nothing: LookResult = { raised: [], cleared: [] };

/**
 * Writes down what a look has found: one open row for each kind and subject, raised when it was found
 * often enough, cleared when it was not for as long, with what is to be told in the same transaction. When
 * nothing is wrong, and nothing was, it writes nothing.
 */
export async function recordLook(
  database: QueryAccess,
  scope: LookScope,
  conditions: readonly AlarmCondition[],
  rules: LookRules,
): Promise<LookResult> {
  if (conditions.length === 0 && !(await hasRows(database.queryable, scope, rules))) return nothing;
  return await withWriteScope(
    database,
    async ({ transaction }) => {
      if ("turn" in scope && !(await keepTurn(transaction, scope.turn))) return nothing;
      await see(transaction, conditions, rules);
      await forgetUnraised(transaction, scope, rules);
      return {
        raised: await raise(transaction, conditions, rules),
        cleared: await clear(transaction, scope, rules),
      };
    },
    "alarm_record",
  );
}

const ago = (ms: number) => sql`now() - ${ms}::double precision * interval '1 millisecond'`;

/** So many looks without a word, and a process is taken to be gone. */
const lostAfterLooks = 6;

/** A condition on rows of `alarm` that are not cleared: this look says whether they still hold. */
function isJudged(scope: LookScope, { everyMs }: LookRules): RawBuilder<unknown> {
  if ("process" in scope) {
    return sql`(cleared_at IS NULL AND kind = ANY(${[...ownAlarmKinds]}::text[]) AND subject = ${scope.process})`;
  }
  return sql`(cleared_at IS NULL AND (kind = ANY(${[...scope.kinds]}::text[]) OR (
    kind = ANY(${[...ownAlarmKinds]}::text[]) AND last_seen_at < ${ago(lostAfterLooks * everyMs)})))`;
}

async function hasRows(queryable: Queryable, scope: LookScope, rules: LookRules): Promise<boolean> {
  const found = await sql<{ has: boolean }>`
    SELECT EXISTS (SELECT FROM alarm WHERE ${isJudged(scope, rules)}) AS has`.execute(queryable);
  return found.rows[0]?.has ?? false;
}

async function keepTurn(transaction: Transaction, turn: number): Promise<boolean> {
  const kept = await sql`
    SELECT number FROM alarm_look WHERE number = ${turn} FOR UPDATE`.execute(transaction);
  return kept.rows.length > 0;
}

/**
 * Writes or counts what was found. Looks that are not in a row begin anew: because nobody looked
 * meanwhile, or because the worker that seems to be idle ended jobs since.
 */
async function see(
  transaction: Transaction,
  conditions: readonly AlarmCondition[],
  { everyMs }: LookRules,
): Promise<void> {
  if (conditions.length === 0) return;
  const list = (of: (condition: AlarmCondition) => string) => sql`${conditions.map(of)}::text[]`;
  await sql`
    INSERT INTO alarm AS known (id, kind, subject, severity, message, details)
    SELECT DISTINCT ON (kind, subject) id, kind, subject, severity, message, details::jsonb
    FROM unnest(${conditions.map(() => newId())}::uuid[], ${list(({ kind }) => kind)}, ${list(({ subject }) => subject)},
                ${list(({ kind }) => alarmSeverities[kind])}, ${list(({ message }) => message)},
                ${list(({ details }) => jsonText(details))})
      AS found (id, kind, subject, severity, message, details)
    ORDER BY kind, subject
    ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO UPDATE SET
      severity = excluded.severity, message = excluded.message, details = excluded.details, last_seen_at = now(),
      looks = CASE WHEN known.last_seen_at NOT BETWEEN ${ago(3 * everyMs)} AND now()
                     OR known.details -> 'processed' IS DISTINCT FROM excluded.details -> 'processed'
                   THEN 1 ELSE known.looks + 1 END`.execute(transaction);
}

/** What this look has seen bears the time of its transaction. */
const isSeenNow = sql`last_seen_at = now()`;

async function forgetUnraised(transaction: Transaction, scope: LookScope, rules: LookRules): Promise<void> {
  await sql`
    DELETE FROM alarm WHERE ${isJudged(scope, rules)} AND raised_at IS NULL AND NOT ${isSeenNow}`.execute(
    transaction,
  );
}

async function raise(
  transaction: Transaction,
  conditions: readonly AlarmCondition[],
  { afterLooks, tells }: LookRules,
): Promise<AlarmRecord[]> {
  if (conditions.length === 0) return [];
  const raised = await sql<AlarmRecord>`
    UPDATE alarm SET raised_at = now(), tell_at = CASE WHEN ${tells} THEN now() END
    WHERE cleared_at IS NULL AND raised_at IS NULL AND ${isSeenNow}
      AND kind = ANY(${conditions.map(({ kind }) => kind)}::text[])
      AND subject = ANY(${conditions.map(({ subject }) => subject)}::text[])
      AND looks >= CASE WHEN kind = ANY(${[...happenedKinds]}::text[]) THEN 1 ELSE ${afterLooks}::integer END
    RETURNING ${alarmColumns}`.execute(transaction);
  return raised.rows;
}

/** One that was never told of is not told of when it is over. */
async function clear(transaction: Transaction, scope: LookScope, rules: LookRules): Promise<AlarmRecord[]> {
  // As with turns, a look that comes a little early counts.
  const goneMs = (rules.afterLooks - 0.1) * rules.everyMs;
  const cleared = await sql<AlarmRecord>`
    UPDATE alarm SET cleared_at = now(),
      tell_at = CASE WHEN tell_at IS NOT NULL OR raise_told_at IS NOT NULL THEN coalesce(tell_at, now()) END
    WHERE ${isJudged(scope, rules)} AND raised_at IS NOT NULL AND last_seen_at NOT BETWEEN ${ago(goneMs)} AND now()
    RETURNING ${alarmColumns}`.execute(transaction);
  return cleared.rows;
}
