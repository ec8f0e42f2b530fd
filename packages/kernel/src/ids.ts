import { v7 } from "uuid";

/** A new time-ordered id (UUIDv7): rows created later sort later. */
export function newId(): string {
  return v7();
}
