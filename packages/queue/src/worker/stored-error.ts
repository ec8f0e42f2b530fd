import { isMillraceError, toError } from "@millrace/kernel";
import type { Task } from "../tasks/task.ts";
import { JobEnding } from "./job-ending.ts";

/** What the database keeps of a failure, and what people are shown of it. */
export type StoredError = { readonly code: string; readonly message: string };

const maxCharacters = 2_000;

const unexpected: StoredError = {
  code: "internal_error",
  message: "An unexpected error happened. The server's log has the details.",
};

/**
 * What is stored of anything thrown. Only errors that were written for people keep their words: the
 * others speak of SQL and of paths of this machine, and belong in the log, unless the task shows its errors.
 */
export function storedError(thrown: unknown, { showErrors = false }: Pick<Task, "showErrors">): StoredError {
  if (isMillraceError(thrown)) return storable(thrown);
  if (thrown instanceof JobEnding && thrown.ending.kind === "retry_after") {
    return storable({ code: thrown.ending.code, message: thrown.message });
  }
  return showErrors ? storable({ ...unexpected, message: String(toError(thrown)) }) : unexpected;
}

/** The same words as the database takes them: no NUL, no half characters, not without limit. */
export function storable({ code, message }: StoredError): StoredError {
  return { code: storableText(code), message: storableText(message) };
}

function storableText(text: string): string {
  return text.slice(0, maxCharacters).replaceAll("\0", "\uFFFD").toWellFormed();
}
