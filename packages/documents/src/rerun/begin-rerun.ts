import type { AcceptedDocument, PartName } from "@millrace/contracts";
import { isSettled } from "@millrace/contracts";
import type { Access } from "@millrace/kernel";
import { endStream, findJobs, toJob } from "@millrace/queue";
import type { Queue } from "@millrace/queue";
import { toDocument } from "../document-row.ts";
import { documentBusy, documentNotFound, noTextYet, partBusy } from "../errors.ts";
import { lockDocument, readReruns } from "../read-documents.ts";
import { insertRerun } from "./rerun-rows.ts";
import { rerunPart } from "./rerun-task.ts";

/**
 * Has one part made again by a model; null is the one that is set up for it. What is there stays until the new
 * result is. Throws `document_busy`, `part_busy`, `no_text_yet`.
 */
export function beginRerun(
  queue: Queue,
  access: Access,
  of: { readonly id: string; readonly part: PartName; readonly model: string | null },
): Promise<AcceptedDocument> {
  const { id, part, model } = of;
  return queue.transaction(async (scope) => {
    const { transaction } = scope;
    const row = await lockDocument(transaction, access.workspaceId, id);
    if (row === undefined) throw documentNotFound(id);
    if (!isSettled(row.status)) throw documentBusy(id);
    if (row.text_length === null || row.text_length === 0) throw noTextYet(id);
    const reruns = await readReruns(transaction, id);
    if (reruns.some((rerun) => rerun.part === part && rerun.state === "running")) throw partBusy(part);
    // A stream of its own: the document is not worked on, only this part.
    const job = await queue.enqueue(
      scope,
      rerunPart,
      { document_id: id, part, model },
      {
        owner: access.workspaceId,
      },
    );
    await insertRerun(transaction, { documentId: id, part, jobId: job.id, model });
    await queue.appendEvents(scope, [
      {
        stream: `document:${id}`,
        owner: access.workspaceId,
        type: "document.part_rerun",
        data: { part, state: "running", model, job_id: job.id, reason: null },
      },
    ]);
    // The event has opened it again, and no end of the document would close it.
    await endStream(transaction, `document:${id}`);
    const [mainJob] = await findJobs(transaction, row.job_id === null ? [] : [row.job_id]);
    return { document: toDocument(row, mainJob), job: toJob(job) };
  });
}
