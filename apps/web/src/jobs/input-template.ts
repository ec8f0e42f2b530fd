type Schema = Readonly<Record<string, unknown>>;

/** Deeper than this nobody wants to be asked. */
const maxDepth = 4;

/**
 * A first input for a task out of its JSON Schema: what it requires, with defaults and empty values.
 * It is a beginning to write on, not a valid input.
 */
export function inputTemplate(schema: Schema | null): unknown {
  return schema === null ? {} : valueFor(schema, schema, 0);
}

function valueFor(schema: Schema, root: Schema, depth: number): unknown {
  if ("default" in schema) return schema.default;
  if ("const" in schema) return schema.const;
  const examples: unknown = schema.examples;
  if (Array.isArray(examples) && examples.length > 0) return examples[0] as unknown;
  if (Array.isArray(schema.enum)) return (schema.enum[0] ?? null) as unknown;
  const target = referenced(schema, root) ?? firstOf(schema.anyOf) ?? firstOf(schema.oneOf);
  if (target !== undefined) return depth >= maxDepth ? null : valueFor(target, root, depth + 1);
  const type: unknown = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "object":
      return objectFor(schema, root, depth);
    case "array":
      return [];
    case "string":
      return "";
    case "number":
    case "integer":
      return typeof schema.minimum === "number" ? Math.max(0, schema.minimum) : 0;
    case "boolean":
      return false;
    default:
      return null;
  }
}

function objectFor(schema: Schema, root: Schema, depth: number): Record<string, unknown> {
  if (depth >= maxDepth || !isSchema(schema.properties)) return {};
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : [];
  const members = Object.entries(schema.properties).flatMap(([name, member]) =>
    required.includes(name) && isSchema(member) ? [[name, valueFor(member, root, depth + 1)] as const] : [],
  );
  return Object.fromEntries(members);
}

/** What `#/$defs/name` stands for. */
function referenced(schema: Schema, root: Schema): Schema | undefined {
  const name = typeof schema.$ref === "string" ? /^#\/\$defs\/(.+)$/.exec(schema.$ref)?.[1] : undefined;
  if (name === undefined || !isSchema(root.$defs)) return undefined;
  const found = root.$defs[name];
  return isSchema(found) ? found : undefined;
}

function firstOf(schemas: unknown): Schema | undefined {
  return Array.isArray(schemas) ? schemas.find(isSchema) : undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
