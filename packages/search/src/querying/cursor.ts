import { createHash } from "node:crypto";
import { MillraceError } from "@millrace/kernel";

/** Where a further page begins. */
export type Position = {
  /** The last hit of the page before. */
  readonly id: string;
  readonly score: number;
  /** The newest passage that the first page was taken from. */
  readonly newest: string;
};

/** `asked`: everything that the hits depend on; a cursor is good for the same question only. */
export function writeCursor(position: Position, asked: string): string {
  const parts = [digest(asked), position.id, position.newest, position.score];
  return Buffer.from(parts.join(" ")).toString("base64url");
}

/** Throws `invalid_cursor` for one that another question, or nobody, gave. */
export function readCursor(cursor: string, asked: string): Position {
  const text = Buffer.from(cursor, "base64url").toString();
  const match = /^([0-9a-f]{16}) ([0-9a-f-]{36}) ([0-9a-f-]{36}) (\d[\d.e-]*)$/.exec(text);
  const [, digestOfAsked, id = "", newest = "", score] = match ?? [];
  if (digestOfAsked === digest(asked) && isId(id) && isId(newest))
    return { id, newest, score: Number(score) };
  throw new MillraceError({
    code: "invalid_cursor",
    kind: "invalid",
    message:
      "This cursor is not one that this search gave. Use `next_cursor` of the page before, with the same query and filters, or none.",
    items: [{ pointer: "/query/cursor", code: "invalid_cursor", message: "is not a cursor of this search" }],
  });
}

function digest(asked: string): string {
  return createHash("sha256").update(asked).digest("hex").slice(0, 16);
}

function isId(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
