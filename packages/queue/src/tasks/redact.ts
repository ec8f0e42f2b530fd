import type { Task } from "./task.ts";

/** What stands where people are not to look. */
export const redacted = "[redacted]";

/** The way to a place in a JSON value; `*` is every field or item there. */
type Path = readonly string[];

const segment = /(?:^|(?<!^)\.)(?<name>[\w$-]+|\*)|\[(?<index>\*|\d+)\]|\["(?<quoted>[^"]+)"\]/y;
/** Shorter texts stand in other words by chance. */
const minSecretLength = 4;

/**
 * Reads `card.number`, `items[*].token`, `headers["x.key"]`. Undefined when it is not such a path.
 *
 * Written here because the library that does it for pino changes the value it was given when a named
 * and a starred path meet (`a.*.c` with `a.b`), and reaches prototypes.
 */
export function parseRedactPath(text: string): Path | undefined {
  const path: string[] = [];
  let end = 0;
  for (const found of text.matchAll(new RegExp(segment, "gy"))) {
    path.push(found.groups?.["name"] ?? found.groups?.["index"] ?? found.groups?.["quoted"] ?? "");
    end = found.index + found[0].length;
  }
  return path.length > 0 && end === text.length ? path : undefined;
}

/**
 * An input or an output of the task as people may see it: a copy in which the places that the task
 * names are `[redacted]`. The value itself is left as it is.
 */
export function redactValue(task: Pick<Task, "redact">, value: unknown): unknown {
  return replaceAt(value, pathsOf(task), () => redacted);
}

const none: readonly string[] = [];

/**
 * The texts and numbers at the places that the task names, to be kept out of log lines and errors
 * with `scrubText`. Those shorter than four characters are left out: every other word would go with
 * them.
 */
export function collectSecrets(task: Pick<Task, "redact">, value: unknown): readonly string[] {
  if (task.redact.length === 0) return none;
  const secrets = new Set<string>();
  replaceAt(value, pathsOf(task), (found) => {
    for (const text of leavesOf(found)) {
      if (text.length >= minSecretLength) for (const form of writtenForms(text)) secrets.add(form);
    }
    return found;
  });
  // The longest first: a secret may be a part of another.
  return [...secrets].toSorted((a, b) => b.length - a.length);
}

/** The text without the secrets that a handler or a library may have written into it. */
export function scrubText(text: string, secrets: readonly string[]): string {
  return secrets.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, redacted), text);
}

function pathsOf({ redact }: Pick<Task, "redact">): readonly Path[] {
  return redact.flatMap((text) => {
    const path = parseRedactPath(text);
    return path === undefined ? [] : [path];
  });
}

function replaceAt(value: unknown, paths: readonly Path[], replace: (found: unknown) => unknown): unknown {
  if (paths.length === 0) return value;
  if (paths.some((path) => path.length === 0)) return replace(value);
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => replaceAt(item, below(paths, `${index}`), replace));
  }
  if (typeof value !== "object" || value === null) return value;
  // fromEntries, because assigning a field named __proto__ would set a prototype.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, replaceAt(item, below(paths, key), replace)]),
  );
}

function below(paths: readonly Path[], key: string): readonly Path[] {
  return paths.filter(([first]) => first === "*" || first === key).map((path) => path.slice(1));
}

function leavesOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [`${value}`];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(leavesOf);
}

/** As it is, as it stands inside JSON, and as it stands in an address. */
function writtenForms(text: string): readonly string[] {
  return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())];
}
