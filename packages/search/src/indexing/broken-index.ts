import { sqlFailure } from "@millrace/database";

/** Whether the server says of itself that an index, or its file, is not what it should be. */
export function isBrokenIndex(error: unknown): boolean {
  const state = sqlFailure(error)?.sqlState ?? "";
  return state.startsWith("XX") || state.startsWith("58");
}
