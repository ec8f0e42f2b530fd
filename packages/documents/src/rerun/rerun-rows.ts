import type { PartName } from "@millrace/contracts";
import type { Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";

/** A part that is being made again, or that could not be. */
export type RerunRow = {
  readonly part: PartName;
  readonly job_id: string;
  readonly model: string | null;
  readonly state: "running" | "failed";
  readonly reason: string | null;
  readonly error_code: string | null;
  readonly started_at: Date;
};

/** Begins one, in the place of one that failed. The document's row is locked. */
export async function insertRerun(
  transaction: Transaction,
  rerun: {
    readonly documentId: string;
    readonly part: PartName;
    readonly jobId: string;
    readonly model: string | null;
  },
): Promise<void> {
  await sql`
    INSERT INTO document_part_rerun (document_id, part, job_id, model, state)
    VALUES (${rerun.documentId}, ${rerun.part}, ${rerun.jobId}, ${rerun.model}, 'running')
    ON CONFLICT (document_id, part) DO UPDATE
      SET job_id = excluded.job_id, model = excluded.model, state = 'running', reason = NULL, error_code = NULL,
          started_at = now()`.execute(transaction);
}

/** Those of a document that a job makes; undefined when something newer has taken its place. */
export async function findRerun(queryable: Queryable, jobId: string, documentId: string) {
  const found = await sql<RerunRow>`
    SELECT part, job_id, model, state, reason, error_code, started_at FROM document_part_rerun
    WHERE document_id = ${documentId} AND job_id = ${jobId}`.execute(queryable);
  return found.rows[0];
}

/** Says why it could not be made, or with null that it is tried again. */
export async function markRerun(
  transaction: Transaction,
  jobId: string,
  of: { readonly documentId: string; readonly error: { code: string; message: string } | null },
): Promise<void> {
  const { documentId, error } = of;
  await sql`
    UPDATE document_part_rerun SET state = ${error === null ? "running" : "failed"},
           reason = ${error?.message ?? null}, error_code = ${error?.code ?? null}
    WHERE document_id = ${documentId} AND job_id = ${jobId}`.execute(transaction);
}

/** Forgets those of some parts of a document. The ids of the jobs that were at work. */
export async function removeReruns(
  transaction: Transaction,
  documentId: string,
  parts: readonly PartName[],
): Promise<string[]> {
  const removed = await sql<{ job_id: string; state: string }>`
    DELETE FROM document_part_rerun WHERE document_id = ${documentId} AND part = ANY(${[...parts]}::text[])
    RETURNING job_id, state`.execute(transaction);
  return removed.rows.filter(({ state }) => state === "running").map((row) => row.job_id);
}
