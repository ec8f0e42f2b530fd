import { toError } from "@millrace/kernel";

/**
 * An error of Redis for a log or a caller. The client's own carries the command that it answers, and that of a
 * login the password.
 */
export function withoutCommand(error: unknown): Error {
  return new Error(toError(error).message);
}
