import { searchFilterSchema } from "@millrace/contracts";
import type { SearchFilter } from "@millrace/documents";
import { MillraceError } from "@millrace/kernel";
import type { ParsedQuery } from "@millrace/search";
import type { z } from "zod";

type Filters = z.output<typeof searchFilterSchema>;
type Field = ParsedQuery["fields"][number];

const nameOfField = {
  title: "title",
  type: "file_type",
  language: "language",
  sentiment: "sentiment",
  tag: "tag",
  collection: "collection",
  after: "created_after",
  before: "created_before",
} as const satisfies Record<Field["field"], keyof Filters>;

/** The filters beside a query and those written in it; all must hold. Throws `invalid_filter` naming the field. */
export function toSearchFilter(given: Filters, fields: readonly Field[]): SearchFilter {
  const all = [given, ...fields.map(readField)];
  const valuesOf = <Name extends keyof Filters>(name: Name) =>
    all.flatMap((filters) => (filters[name] === undefined ? [] : [filters[name]]));
  return {
    titles: valuesOf("title"),
    fileTypes: valuesOf("file_type"),
    languages: valuesOf("language"),
    sentiments: valuesOf("sentiment"),
    tags: valuesOf("tag"),
    collections: valuesOf("collection"),
    createdAfter: valuesOf("created_after"),
    createdBefore: valuesOf("created_before"),
  };
}

function readField({ field, value }: Field): Filters {
  const parsed = searchFilterSchema.safeParse({
    [nameOfField[field]]: field === "title" || field === "collection" ? value : value.toLowerCase(),
  });
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues[0]?.message ?? "is not valid";
  throw new MillraceError({
    code: "invalid_filter",
    kind: "invalid",
    message: `${field}:${value} can't be used: ${why}. Correct it, or put it in quotation marks to look for the words.`,
    items: [{ pointer: "/query/q", code: "invalid_filter", message: `${field}: ${why}` }],
  });
}
