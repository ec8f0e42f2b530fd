import { closeCodes } from "@millrace/contracts";
import type { ErrorKind } from "@millrace/kernel";
import { toToldError } from "./errors.ts";

const codeByKind: Readonly<Record<ErrorKind, number>> = {
  unauthorized: closeCodes.unauthorized,
  forbidden: closeCodes.forbidden,
  not_found: closeCodes.notFound,
  too_large: 1009,
  unsupported: 1003,
  invalid: 1008,
  malformed: 1008,
  conflict: 1008,
  precondition_failed: 1008,
  // "Try again later": clients reconnect after a pause.
  limited: 1013,
  unavailable: 1013,
  internal: 1011,
};

/** The WebSocket close code for anything thrown; 1011 for what is neither ours nor the database's. */
export function closeCodeOf(thrown: unknown): number {
  return codeByKind[toToldError(thrown).kind];
}
