import { idSchema } from "@millrace/contracts";
import type { Page } from "@millrace/contracts";
import { MillraceError } from "@millrace/kernel";

/** Where a page begins: after the row that a former page ended with. Throws `invalid_cursor`. */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const parsed = idSchema.safeParse(cursor);
  if (parsed.success) return parsed.data;
  throw new MillraceError({
    code: "invalid_cursor",
    kind: "invalid",
    message: "This cursor is not one that a list gave. Use `next_cursor` of the page before, or none.",
    items: [{ pointer: "/query/cursor", code: "invalid_cursor", message: "is not a cursor" }],
  });
}

/** A page out of rows that were asked for with one more than its limit. */
export function toPage<Item extends { readonly id: string }>(
  rows: readonly Item[],
  limit: number,
): Page<Item> {
  const data = rows.slice(0, limit);
  const hasMore = rows.length > limit;
  return { data, next_cursor: hasMore ? (data.at(-1)?.id ?? null) : null, has_more: hasMore };
}
