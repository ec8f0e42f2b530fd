import { MillraceError } from "@millrace/kernel";

/** For questions that do not exist and for those of others alike. */
export function questionNotFound(id: string): MillraceError {
  return new MillraceError({
    code: "question_not_found",
    kind: "not_found",
    message: "There is no such question. Check the id, or list your questions first.",
    details: { id },
  });
}

export function questionEmpty(): MillraceError {
  return new MillraceError({
    code: "question_empty",
    kind: "invalid",
    message: "The question is empty. Write one.",
    items: [{ pointer: "/question", code: "question_empty", message: "has no visible character" }],
  });
}

/** For documents that do not exist and for those of others alike. */
export function documentsUnknown(ids: readonly string[]): MillraceError {
  return new MillraceError({
    code: "documents_unknown",
    kind: "invalid",
    message: `There are no such documents: ${ids.slice(0, 5).join(", ")}. Check the ids, or leave document_ids out to look in all.`,
    items: [
      { pointer: "/document_ids", code: "documents_unknown", message: "names documents that are not there" },
    ],
  });
}

export function nothingToCancel(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "already_finished",
    kind: "conflict",
    message: `Nothing is being done for this question (${state}); there is nothing to cancel.`,
    details: { id, state },
  });
}

/** A job whose question has been deleted: there is nothing left to do again. */
export function questionDeleted(jobId: string): MillraceError {
  return new MillraceError({
    code: "question_deleted",
    kind: "conflict",
    message: "This job's question has been deleted. To have it answered, ask it again.",
    details: { jobId },
  });
}

/** A package that is not whole. */
export function noPrompt(name: string): Error {
  return new Error(`the prompt ${name} is missing`);
}
