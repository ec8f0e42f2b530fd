import type { Access } from "@millrace/kernel";
import { sql } from "kysely";
import type { Queryable, Transaction } from "./database.ts";
import { jsonText } from "./json-columns.ts";

/** A request that must have its effect once, however often it is sent. */
export type IdempotentRequest = {
  readonly key: string;
  readonly route: string;
  readonly fingerprint: string;
};

export type StoredAnswer = {
  readonly fingerprint: string;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
};

/** What the first request with this key was answered. Keys are forgotten after 24 hours. */
export async function findAnswer(
  queryable: Queryable,
  access: Access,
  request: IdempotentRequest,
): Promise<StoredAnswer | undefined> {
  const found = await sql<StoredAnswer>`
    SELECT fingerprint, status, headers, body FROM idempotency_key
    WHERE workspace_id = ${access.workspaceId} AND person_id = ${access.personId} AND route = ${request.route}
      AND key = ${request.key} AND created_at > now() - interval '24 hours'`.execute(queryable);
  return found.rows[0];
}

/**
 * Stores the answer in the transaction of the rows it speaks of. A second request at the same time
 * waits for the first to commit and then fails on the primary key: `idempotency_key_pkey`.
 */
export async function storeAnswer(
  transaction: Transaction,
  access: Access,
  request: IdempotentRequest,
  answer: Omit<StoredAnswer, "fingerprint">,
): Promise<void> {
  await sql`
    DELETE FROM idempotency_key WHERE workspace_id = ${access.workspaceId} AND person_id = ${access.personId}
      AND route = ${request.route} AND key = ${request.key} AND created_at <= now() - interval '24 hours'`.execute(
    transaction,
  );
  await sql`
    INSERT INTO idempotency_key (workspace_id, person_id, route, key, fingerprint, status, headers, body)
    VALUES (${access.workspaceId}, ${access.personId}, ${request.route}, ${request.key}, ${request.fingerprint},
            ${answer.status}, ${jsonText(answer.headers)}::jsonb, ${jsonText(answer.body)}::jsonb)`.execute(
    transaction,
  );
}

/** Forgets keys past their time; returns how many. */
export async function pruneAnswers(queryable: Queryable): Promise<number> {
  const result = await sql`
    DELETE FROM idempotency_key WHERE created_at <= now() - interval '24 hours'`.execute(queryable);
  return Number(result.numAffectedRows ?? 0n);
}
