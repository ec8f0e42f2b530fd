import { suggestion } from "@millrace/kernel";
import type { z } from "zod";
import type { CrewProblem } from "../errors.ts";
import { isPlainMap } from "./yaml-file.ts";
import type { YamlFile } from "./yaml-file.ts";

/** What the keys of one kind of entry come to. Every key that CrewAI knows is in exactly one of the three. */
export type KeyTable<Shape extends z.ZodRawShape> = {
  /** Keys that do here what they do in CrewAI. */
  readonly schema: z.ZodObject<Shape>;
  /** Keys that are accepted and do nothing, with the reason: people are told it. */
  readonly ignored: Readonly<Record<string, string>>;
  /** Keys without which the crew would be another one, with the reason. */
  readonly refused: Readonly<Record<string, string>>;
};

export type Findings = { readonly problems: CrewProblem[]; readonly warnings: CrewProblem[] };

/**
 * Reads one entry of a file. What is wrong and what has no effect is added to the findings; undefined when
 * the entry can't be used. A key without a value is as good as none, as in CrewAI.
 */
export function readEntry<Shape extends z.ZodRawShape>(
  file: YamlFile,
  path: readonly string[],
  table: KeyTable<Shape>,
  findings: Findings,
): z.output<z.ZodObject<Shape>> | undefined {
  const value = path.reduce<unknown>(
    (outer, key) => (isPlainMap(outer) ? outer[key] : undefined),
    file.value,
  );
  const at = (keys: readonly PropertyKey[], message: string): CrewProblem =>
    problemAt(file, [...path, ...keys], message);
  if (!isPlainMap(value)) {
    findings.problems.push(at([], "must map keys to values."));
    return undefined;
  }
  const given: Record<string, unknown> = {};
  const known = [...Object.keys(table.schema.shape), ...Object.keys(table.ignored)];
  for (const [key, part] of Object.entries(value)) {
    const refused = lookUp(table.refused, key);
    const ignored = lookUp(table.ignored, key);
    if (refused !== undefined) findings.problems.push(at([key], refused));
    else if (ignored !== undefined) {
      if (asksForSomething(part)) findings.warnings.push(at([key], `has no effect: ${ignored}`));
    } else if (!Object.hasOwn(table.schema.shape, key)) {
      findings.problems.push(at([key], `is not a key that is known here.${suggestion(key, known)}`));
    } else if (part !== null && part !== undefined) given[key] = part;
  }
  const read = table.schema.safeParse(given);
  if (read.success) return read.data;
  for (const issue of read.error.issues) findings.problems.push(at(issue.path, issueText(issue, given)));
  return salvage(table.schema, given);
}

/** In words of the file. A short text such as `y` or `on` is taken for true or false by YAML, which surprises people. */
function issueText(issue: z.core.$ZodIssue, given: Readonly<Record<string, unknown>>): string {
  if (issue.code !== "invalid_type") return `${issue.message}.`;
  const value = issue.path.reduce<unknown>(
    (outer, key) =>
      typeof outer === "object" && outer !== null
        ? Object.getOwnPropertyDescriptor(outer, key)?.value
        : undefined,
    given,
  );
  if (value === undefined) return "is missing.";
  const hint =
    issue.expected === "string" && typeof value === "boolean"
      ? " Put it in quotes: YAML reads y, yes, on, n, no and off as true and false."
      : "";
  return `must be ${kindNames[issue.expected] ?? `a ${issue.expected}`}.${hint}`;
}

const kindNames: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  object: "a map of keys to values",
  record: "a map of keys to values",
  string: "a text",
};

/**
 * What is right of an entry, so that what else is wrong with it is found too. It is used for nothing more: the
 * findings have a problem already.
 */
function salvage<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  given: Readonly<Record<string, unknown>>,
): z.output<z.ZodObject<Shape>> | undefined {
  const wrongKeys = (values: Readonly<Record<string, unknown>>) =>
    new Set(schema.safeParse(values).error?.issues.map((issue) => String(issue.path[0])));
  const wrong = wrongKeys(given);
  const rest = Object.fromEntries(Object.entries(given).filter(([key]) => !wrong.has(key)));
  const missing = [...wrongKeys(rest)].map((key) => [key, "missing"]);
  return schema.safeParse({ ...rest, ...Object.fromEntries(missing) }).data;
}

export function problemAt(file: YamlFile, path: readonly PropertyKey[], message: string): CrewProblem {
  const line = file.lineOf(path);
  return {
    file: file.name,
    ...(line === undefined ? {} : { line }),
    path: path.map(String).join("."),
    message,
  };
}

function lookUp(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** `memory: false` asks for nothing, so nobody needs to hear that it has no effect. */
function asksForSomething(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return false;
  return !(Array.isArray(value) && value.length === 0);
}
