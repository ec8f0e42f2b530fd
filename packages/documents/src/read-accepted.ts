import type { AcceptedDocument } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { findJobs, toJob } from "@millrace/queue";
import { toDocument } from "./document-row.ts";
import { documentNotFound } from "./errors.ts";
import { findDocument } from "./read-documents.ts";

/** A document with the job that works, or last worked, on it. Throws `document_not_found`. */
export async function readAccepted(
  queryable: Queryable,
  workspaceId: string,
  id: string,
): Promise<AcceptedDocument> {
  const row = await findDocument(queryable, workspaceId, id);
  const [job] = await findJobs(queryable, row?.job_id ? [row.job_id] : []);
  if (row === undefined || job === undefined) throw documentNotFound(id);
  return { document: toDocument(row, job), job: toJob(job) };
}
