import { MillraceError } from "@millrace/kernel";

/** For documents that do not exist and for those of others alike. */
export function documentNotFound(): MillraceError {
  return new MillraceError({
    code: "not_found",
    kind: "not_found",
    message: "There is no such document. Check the id, or list your documents first.",
  });
}

export function malformedRequest(): MillraceError {
  return new MillraceError({
    code: "malformed_frame",
    kind: "malformed",
    message: 'Send {"type":"get_status"} or {"type":"cancel_processing"} as JSON text.',
  });
}
