import { isAlias, isMap, isScalar, LineCounter, parseDocument } from "yaml";
import type { Document, ParsedNode, YAMLMap } from "yaml";
import type { CrewProblem } from "../errors.ts";

export type YamlFile = {
  readonly name: string;
  /** Name of each agent or task and what is said of it, in the order of the file. */
  readonly value: Readonly<Record<string, unknown>>;
  /** The line of a key, from 1; else that of the nearest key around it. */
  readonly lineOf: (path: readonly PropertyKey[]) => number | undefined;
};

export type SourceFile = {
  /** For people, as seen from where they look: `crews/summary/agents.yaml`. */
  readonly name: string;
  readonly text: string;
};

/** Crews are written by hand: far above any of them, far below what would hold up the start. */
const maxCharacters = 1_000_000;

/**
 * Reads YAML as CrewAI's parser does: version 1.1, so that `yes` and `on` are true, with merge keys.
 * Gives every problem of the file instead of the first.
 */
export function readYaml(source: SourceFile): YamlFile | readonly CrewProblem[] {
  const file = source.name;
  if (source.text.length > maxCharacters)
    return [{ file, path: "", message: `has more than ${maxCharacters} characters.` }];
  const lines = new LineCounter();
  const document = parseDocument(source.text, {
    version: "1.1",
    merge: true,
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "silent",
  });
  if (document.errors.length > 0) {
    // The first of each line: what follows it there is mostly its consequence.
    const found = document.errors.map((error) => ({ line: lines.linePos(error.pos[0]).line, error }));
    return found
      .filter(({ line }, index) => found.findIndex((other) => other.line === line) === index)
      .map(({ line, error }) => ({ file, line, path: "", message: `is not YAML: ${error.message}` }));
  }
  try {
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return [{ file, path: "", message: "is empty." }];
    if (!isPlainMap(value)) return [{ file, path: "", message: "must map names to what is said of them." }];
    return { name: file, value, lineOf: (path) => lineOf(document, lines, path) };
  } catch (error) {
    // Aliases that would grow without bound.
    const message = error instanceof Error ? error.message : "can't be read";
    return [{ file, path: "", message: `is not usable YAML: ${message}` }];
  }
}

export function isPlainMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function lineOf(
  document: Document.Parsed,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number | undefined {
  let node: unknown = document.contents;
  let line: number | undefined;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isMap(node)) break;
    const pair = (node as YAMLMap<ParsedNode, ParsedNode | null>).items.find(
      (item) => isScalar(item.key) && String(item.key.value) === key,
    );
    if (pair === undefined) break;
    line = lines.linePos(pair.key.range[0]).line;
    node = pair.value;
  }
  return line;
}
