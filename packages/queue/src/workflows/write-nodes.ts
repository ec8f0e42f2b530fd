import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { PlannedNode } from "./compile.ts";

/** Arguments of one statement, in rows. */
const batchSize = 5_000;

/** Writes nodes of a workflow: those that start with it as running, the others as blocked. */
export async function writeNodes(
  transaction: Transaction,
  workflowId: string,
  nodes: readonly PlannedNode[],
): Promise<void> {
  for (let from = 0; from < nodes.length; from += batchSize) {
    await writeBatch(transaction, workflowId, nodes.slice(from, from + batchSize));
  }
}

async function writeBatch(
  transaction: Transaction,
  workflowId: string,
  nodes: readonly PlannedNode[],
): Promise<void> {
  const each = <Value>(value: (node: PlannedNode) => Value): Value[] => nodes.map(value);
  const templates = each(({ template }) => (template === null ? null : jsonText(template)));
  await sql`
    INSERT INTO workflow_node (workflow_id, number, parent, position, kind, state, policy, size, remaining, job_id,
                               takes, takes_key, delay_ms, expires_ms, template)
    SELECT ${workflowId}::uuid, number, parent, position, kind, CASE WHEN is_first THEN 'running' ELSE 'blocked' END,
           policy, size, size, job_id, takes, takes_key, coalesce(delay_ms, 0), expires_ms, template::jsonb
    FROM unnest(
      ${each(({ number }) => number)}::integer[], ${each(({ parent }) => parent)}::integer[],
      ${each(({ position }) => position)}::integer[], ${each(({ kind }) => kind)}::text[],
      ${each(({ isFirst }) => isFirst)}::boolean[], ${each(({ policy }) => policy)}::text[],
      ${each(({ size }) => size)}::integer[], ${each(({ job }) => job?.id ?? null)}::uuid[],
      ${each(({ takes }) => takes)}::text[], ${each(({ takesKey }) => takesKey)}::text[],
      ${each(({ job }) => job?.delayMs ?? null)}::double precision[],
      ${each(({ job }) => job?.expiresInMs ?? null)}::double precision[], ${templates}::text[]
    ) AS given (number, parent, position, kind, is_first, policy, size, job_id, takes, takes_key, delay_ms, expires_ms,
                template)`.execute(transaction);
}
