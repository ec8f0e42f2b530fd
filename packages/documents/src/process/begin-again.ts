import type { Access } from "@millrace/kernel";
import type { Queue, WriteScope } from "@millrace/queue";
import { removeReruns } from "../rerun/rerun-rows.ts";
import { markUploaded } from "../write-documents.ts";
import { processDocument } from "./process-task.ts";
import type { ProcessInput } from "./process-task.ts";

/**
 * Enqueues work on a document whose row is locked and which nobody works on. Returns the jobs of parts that are made
 * anyway now: to be cancelled after the commit, since a worker holds its job's row before it writes the document.
 */
export async function beginAgain(
  queue: Queue,
  scope: WriteScope,
  access: Access,
  input: ProcessInput,
): Promise<string[]> {
  const { document_id: id } = input;
  const outdated = await removeReruns(scope.transaction, id, input.parts);
  const { id: jobId } = await queue.enqueue(scope, processDocument, input, {
    owner: access.workspaceId,
    stream: `document:${id}`,
  });
  await markUploaded(scope.transaction, id, jobId, { startsOver: input.scope === "everything" });
  return outdated;
}
