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

export function documentBusy(id: string): MillraceError {
  return new MillraceError({
    code: "document_busy",
    kind: "conflict",
    message: "This document is being worked on. Wait until it has ended, or cancel it first.",
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

/** The end of a job whose every part failed: nothing worth showing came out. */
export function analysisFailed(reason: string): MillraceError {
  return new MillraceError({
    code: "analysis_failed",
    kind: "unavailable",
    message: `No part of the analysis could be made. ${reason}`,
  });
}
