import { MillraceError } from "@millrace/kernel";

/** For summaries that do not exist and for those of others alike. */
export function summaryNotFound(id?: string): MillraceError {
  return new MillraceError({
    code: "summary_not_found",
    kind: "not_found",
    message: "There is no such summary. Check the id, or list your summaries first.",
    ...(id === undefined ? {} : { details: { id } }),
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

export function textTooLong(length: number, limit: number): MillraceError {
  return new MillraceError({
    code: "text_too_long",
    kind: "too_large",
    message: `The text has ${length} characters; at most ${limit} are summarised at once. Send it as a document instead.`,
  });
}

export function nothingToCancel(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "already_finished",
    kind: "conflict",
    message: `Nothing is being done for this summary (${state}); there is nothing to cancel.`,
    details: { id, state },
  });
}

/** A job whose summary has been deleted: there is nothing left to do again. */
export function summaryDeleted(jobId: string): MillraceError {
  return new MillraceError({
    code: "summary_deleted",
    kind: "conflict",
    message: "This job's summary has been deleted. To have the text summarised, send it again.",
    details: { jobId },
  });
}

/** What a model wrote about parts of a text is as long as they are: it will not get shorter. */
export function notCondensed(): MillraceError {
  return new MillraceError({
    code: "summary_not_shorter",
    kind: "invalid",
    message:
      "What the model writes about parts of this text is about as long as they are, so the whole never gets short enough to be summarised. Choose another model, or one with a larger context.",
  });
}

/** A client follows more summaries than a socket has room for. */
export function tooManyFollowed(limit: number): MillraceError {
  return new MillraceError({
    code: "too_many_followed",
    kind: "limited",
    message: `This connection follows ${limit} summaries already. Wait until one has ended, or open another connection.`,
  });
}

export function malformedRequest(): MillraceError {
  return new MillraceError({
    code: "malformed_frame",
    kind: "malformed",
    message:
      'Send {"text": "…"} to have a text summarised, or {"id": "…"} to follow a summary, as JSON text without other fields.',
  });
}
