import { maxTags } from "@millrace/contracts";
import { MillraceError } from "@millrace/kernel";

/** For documents that do not exist and for those of others alike. */
export function documentNotFound(id: string): MillraceError {
  return new MillraceError({
    code: "document_not_found",
    kind: "not_found",
    message: "There is no such document. Check the id, or list your documents first.",
    details: { id },
  });
}

/** For collections that do not exist and for those of others alike. */
export function collectionNotFound(reference: string): MillraceError {
  return new MillraceError({
    code: "collection_not_found",
    kind: "not_found",
    message: "There is no such collection. Check its id or name, or make it first: POST /api/collections.",
    details: { reference },
  });
}

export function collectionExists(name: string): MillraceError {
  return new MillraceError({
    code: "collection_exists",
    kind: "conflict",
    message: `There is a collection called “${name}” already. Use that one, or choose another name.`,
    details: { name },
  });
}

export function tooManyTags(id: string): MillraceError {
  return new MillraceError({
    code: "too_many_tags",
    kind: "conflict",
    message: `A document can have ${maxTags} tags. Take some away first.`,
    details: { id },
  });
}

export function duplicateDocument(first: { readonly id: string; readonly title: string }): MillraceError {
  return new MillraceError({
    code: "duplicate_document",
    kind: "conflict",
    message: `The same bytes are here already: “${first.title}”, /api/documents/${first.id}. Use that document, or delete it first.`,
    details: { id: first.id },
  });
}

/** Nothing was done: the selection is not what somebody saw. */
export function documentCountMismatch(expected: number, count: number): MillraceError {
  return new MillraceError({
    code: "document_count_mismatch",
    kind: "conflict",
    message: `The filter fits ${count} documents, not ${expected}. Nothing was done: look at them again, and repeat with the new number.`,
    details: { expected, count },
  });
}

export function trashChoiceNotFit(action: string, isTrashed: boolean): MillraceError {
  return new MillraceError({
    code: "trash_choice_not_fit",
    kind: "invalid",
    message: isTrashed
      ? `Documents in the trash can be restored and deleted; ${action} is for the others. Restore them first.`
      : "Only documents in the trash can be restored.",
    items: [
      { pointer: "/filter/trashed", code: "trash_choice_not_fit", message: `does not go with ${action}` },
    ],
  });
}

export function documentBusy(id: string): MillraceError {
  return new MillraceError({
    code: "document_busy",
    kind: "conflict",
    message: "This document is being worked on. Wait until it has ended, or cancel it first.",
    details: { id },
  });
}

export function documentNotLocked(id: string): MillraceError {
  return new MillraceError({
    code: "document_not_locked",
    kind: "conflict",
    message:
      "This document does not wait for a password: only one that failed because its PDF asks for a password, or for another one, does.",
    details: { id },
  });
}

/** A job whose document has been deleted or has been given to another job since. */
export function jobSuperseded(jobId: string): MillraceError {
  return new MillraceError({
    code: "job_superseded",
    kind: "conflict",
    message:
      "This job's document has been deleted, or a newer job works on it. To do it again, reprocess the document.",
    details: { jobId },
  });
}

export function nothingToCancel(id: string, status: string): MillraceError {
  return new MillraceError({
    code: "already_finished",
    kind: "conflict",
    message: `Nothing is being done for this document (${status}); there is nothing to cancel.`,
    details: { id, status },
  });
}

export function nothingToRetry(id: string): MillraceError {
  return new MillraceError({
    code: "nothing_to_retry",
    kind: "conflict",
    message: "No part of this document has failed. To do everything again, reprocess it.",
    details: { id },
  });
}

export function noOriginal(id: string): MillraceError {
  return new MillraceError({
    code: "no_original",
    kind: "not_found",
    message: "This document was given as text: there is no file of it. Read its text instead.",
    details: { id },
  });
}

export function partBusy(part: string): MillraceError {
  return new MillraceError({
    code: "part_busy",
    kind: "conflict",
    message: "This part is being made again. Wait until it is there, or cancel its job first.",
    details: { part },
  });
}

export function noTextYet(id: string): MillraceError {
  return new MillraceError({
    code: "no_text_yet",
    kind: "conflict",
    message: "There is no text of this document to make it from. Process the document first.",
    details: { id },
  });
}

export function originalsNeedZip(format: string): MillraceError {
  return new MillraceError({
    code: "originals_need_zip",
    kind: "invalid",
    message: `Stored files can't be part of ${format}. Ask for zip, or leave them out.`,
    items: [{ pointer: "/query/include", code: "originals_need_zip", message: "goes with format=zip" }],
  });
}

export function textTooLong(length: number, limit: number): MillraceError {
  return new MillraceError({
    code: "text_too_long",
    kind: "too_large",
    message: `The text has ${length} characters; at most ${limit} are taken. Send it in several documents.`,
  });
}

export function textEmpty(): MillraceError {
  return new MillraceError({
    code: "text_empty",
    kind: "invalid",
    message: "The text is empty. Paste or send some text.",
    items: [{ pointer: "/text", code: "text_empty", message: "has no visible character" }],
  });
}

export const analysisFailedCode = "analysis_failed";

/** The end of a job whose every part failed: nothing worth showing came out. */
export function analysisFailed(reason: string): MillraceError {
  return new MillraceError({
    code: analysisFailedCode,
    kind: "unavailable",
    message: `No part of the analysis could be made. ${reason}`,
  });
}
