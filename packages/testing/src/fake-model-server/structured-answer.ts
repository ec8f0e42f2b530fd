import { z } from "zod";

/** The parts of JSON Schema that structured-output requests use. */
type Schema = {
  readonly type?: string | readonly string[] | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly items?: Schema | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[] | undefined;
  readonly oneOf?: readonly Schema[] | undefined;
  readonly $ref?: string | undefined;
  readonly $defs?: Readonly<Record<string, Schema>> | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly maxLength?: number | undefined;
};

const schemaSchema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    properties: z.record(z.string(), schemaSchema).optional(),
    items: schemaSchema.optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    anyOf: z.array(schemaSchema).optional(),
    oneOf: z.array(schemaSchema).optional(),
    $ref: z.string().optional(),
    $defs: z.record(z.string(), schemaSchema).optional(),
    minItems: z.number().optional(),
    maxItems: z.number().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    maxLength: z.number().optional(),
  }),
);

const positiveWords = new Set("good great excellent love happy success improved gain strong win".split(" "));
const negativeWords = new Set("bad poor terrible hate sad failure worse loss weak decline".split(" "));
const maxDepth = 12;

/**
 * A value that fits the JSON schema, made from the text: first sentences for strings, frequent
 * words for topics, word lists for sentiment. The same text and schema give the same value.
 */
export function structuredAnswer(schema: unknown, text: string): unknown {
  const root = schemaSchema.parse(schema);
  return valueFor(root, "", { root, text, depth: 0 });
}

type Surroundings = { readonly root: Schema; readonly text: string; readonly depth: number };

function valueFor(given: Schema, name: string, surroundings: Surroundings): unknown {
  const schema = resolved(given, surroundings.root);
  const inside = { ...surroundings, depth: surroundings.depth + 1 };
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return chosen(schema.enum, surroundings.text);
  const type = typeof schema.type === "string" ? schema.type : schema.type?.find((each) => each !== "null");
  switch (type ?? (schema.properties === undefined ? "string" : "object")) {
    case "object":
      // A schema may contain itself; a real answer ends somewhere, and so does this one.
      if (surroundings.depth > maxDepth) return {};
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, value]) => [key, valueFor(value, key, inside)]),
      );
    case "array":
      return itemsFor(schema, name, inside);
    case "integer":
      return Math.round(within(schema, 1));
    case "number":
      return within(schema, sentimentOf(surroundings.text) * 0.5);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return stringFor(name, surroundings.text).slice(0, schema.maxLength);
  }
}

function resolved(schema: Schema, root: Schema): Schema {
  const reference = /^#\/\$defs\/(.+)$/.exec(schema.$ref ?? "")?.[1];
  const target = reference === undefined ? schema : (root.$defs?.[reference] ?? schema);
  const options = target.anyOf ?? target.oneOf;
  return options?.find((option) => option.type !== "null") ?? target;
}

function itemsFor(schema: Schema, name: string, surroundings: Surroundings): unknown[] {
  const least = schema.minItems ?? 0;
  const count = Math.max(least, Math.min(schema.maxItems ?? 3, 3));
  const item = schema.items ?? { type: "string" };
  const pieces = /topic|keyword|tag/i.test(name)
    ? frequentWords(surroundings.text)
    : sentences(surroundings.text);
  const wanted = Math.max(least, Math.min(count, pieces.length));
  return Array.from({ length: wanted }, (_unused, index) => {
    const piece = pieces[index % Math.max(1, pieces.length)] ?? `Item ${index + 1}`;
    return valueFor(item, name, { ...surroundings, text: piece });
  });
}

function stringFor(name: string, text: string): string {
  if (/language/i.test(name)) return "en";
  const first = sentences(text)[0] ?? "The text is empty.";
  if (/title|label|name|topic|keyword|tag/i.test(name)) return first.split(/\s+/).slice(0, 8).join(" ");
  return first;
}

function chosen(options: readonly unknown[], text: string): unknown {
  const mood = sentimentOf(text);
  const wanted = mood > 0 ? "positive" : mood < 0 ? "negative" : "neutral";
  return options.find((option) => option === wanted) ?? options[0];
}

function within(schema: Schema, wanted: number): number {
  return Math.min(schema.maximum ?? Infinity, Math.max(schema.minimum ?? -Infinity, wanted));
}

function sentimentOf(text: string): -1 | 0 | 1 {
  const found = words(text);
  const balance =
    found.filter((word) => positiveWords.has(word)).length -
    found.filter((word) => negativeWords.has(word)).length;
  return balance > 0 ? 1 : balance < 0 ? -1 : 0;
}

/** The sentences of a text, without surrounding space. */
export function sentences(text: string): string[] {
  const pieces = text.replace(/\s+/g, " ").match(/[^.!?]+[.!?]*/g) ?? [];
  return pieces.map((piece) => piece.trim()).filter((piece) => piece !== "");
}

function frequentWords(text: string): string[] {
  const counts = new Map<string, number>();
  for (const word of words(text)) if (word.length > 4) counts.set(word, (counts.get(word) ?? 0) + 1);
  const ordered = [...counts].toSorted(([a, left], [b, right]) => right - left || a.localeCompare(b));
  return ordered.map(([word]) => word);
}

/** Lower-case words of letters and digits, in any script. */
export function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
