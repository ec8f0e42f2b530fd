/** Fields that can be asked for in the query itself, such as `title:contract`. */
export const queryFields = [
  "title",
  "type",
  "language",
  "sentiment",
  "tag",
  "collection",
  "after",
  "before",
] as const;
export type QueryField = (typeof queryFields)[number];

export type ParsedQuery = {
  /** The words that may be in a passage, phrases included. */
  readonly words: string;
  /** What must be in a passage, word after word. */
  readonly phrases: readonly string[];
  /** What must not be in it. */
  readonly excluded: readonly string[];
  readonly fields: readonly { readonly field: QueryField; readonly value: string }[];
};

// A field, a minus or neither; then a phrase in straight or curly quotation marks, or a word.
const part =
  /(?:(?<field>[a-z]+):|(?<![\p{L}\p{N}])(?<minus>-))?(?:["“”](?<phrase>[^"“”]*)["“”]|(?<word>[^\s"“”]+))/gu;

/**
 * Reads a query: words, "a phrase", -without, field:value and field:"two words". A name that is no field
 * stays a word, so that `http://…` and `note:` can be looked for. Never throws.
 */
export function parseQuery(query: string): ParsedQuery {
  const words: string[] = [];
  const phrases: string[] = [];
  const excluded: string[] = [];
  const fields: { field: QueryField; value: string }[] = [];
  for (const { groups = {} } of query.matchAll(part)) {
    const { field: name, minus, phrase, word } = groups;
    const value = (phrase ?? word ?? "").trim();
    const field = queryFields.find((known) => known === name);
    if (value === "") continue;
    if (field !== undefined) fields.push({ field, value });
    else if (minus !== undefined) excluded.push(value);
    else {
      words.push(name === undefined ? value : `${name}:${value}`);
      if (phrase !== undefined) phrases.push(value);
    }
  }
  return { words: words.join(" "), phrases, excluded, fields };
}
