import { readFileSync } from "node:fs";
import path from "node:path";

/** A block of TypeScript in a page. */
export type Block = {
  /** As `docs/queue/calling.md:12`, where the block begins. */
  readonly place: string;
  readonly code: string;
};

/** Blocks for another program, by their first line: what they import is not installed here. */
const leftOut = [/^\/\/ tracing\.ts/];

/** The blocks marked as `ts` in a page, in order. */
export function readBlocks(root: string, page: string): readonly Block[] {
  const text = readFileSync(path.join(root, page), "utf8");
  return [...text.matchAll(/^```ts\n(?<code>.*?)^```$/gms)]
    .map((found) => ({
      place: `${page}:${text.slice(0, found.index).split("\n").length}`,
      code: found.groups?.["code"] ?? "",
    }))
    .filter(({ code }) => !leftOut.some((first) => first.test(code)));
}

/** Targets of the links in a page that lead to files of the repository. */
export function readLinks(root: string, page: string): readonly string[] {
  const text = readFileSync(path.join(root, page), "utf8");
  return [...text.matchAll(/\]\((?<target>[^)#\s]+)[^)]*\)/g)]
    .map((found) => found.groups?.["target"] ?? "")
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The names that a block may use without saying where they come from, by the module that has them. */
export type Given = {
  readonly imports: Readonly<Record<string, readonly string[]>>;
  readonly scene: readonly string[];
  readonly sceneModule: string;
};

/**
 * A module that does what the block does when its default export is called with a scene. `X; // → Y` asserts
 * that X is Y, and `X; // throws code` that it rejects with an error of that code. What the block itself
 * declares goes before what it is given.
 */
export function toModule({ code }: Block, given: Given): string {
  const own = [...code.matchAll(/^import .*?;$/gms)].map(([statement]) => statement);
  const body = own.reduce((rest, statement) => rest.replace(statement, ""), code);
  const isImported = (name: string): boolean =>
    own.some((statement) => new RegExp(`\\b${name}\\b.* from `, "s").test(statement));
  const imports = Object.entries(given.imports).flatMap(([from, all]) => {
    const wanted = all.filter((name) => !isImported(name));
    return wanted.length === 0 ? [] : [`import { ${wanted.join(", ")} } from "${from}";`];
  });
  const names = given.scene.filter((name) => !isImported(name)).join(", ");
  return [
    ...imports,
    ...own,
    `import type { Scene } from ${JSON.stringify(given.sceneModule)};`,
    `export default async function example({ ${names} }: Scene): Promise<void> {{`,
    body.split("\n").map(toAssertion).join("\n"),
    "}}",
    "",
  ].join("\n");
}

const shown = /^(?<expression>.+); \/\/ → (?<value>.+)$/;
const thrown = /^(?<expression>.+); \/\/ throws (?<code>\w+)$/;
const declaration = /^(?<statement>const (?<name>\w+) = .+)$/;

function toAssertion(line: string): string {
  const { expression = "", value, code } = (shown.exec(line) ?? thrown.exec(line))?.groups ?? {};
  if (code !== undefined) return `await refuses(async () => { ${expression}; }, "${code}");`;
  if (value === undefined) return line.replace(/^(\s*)export /, "$1");
  const { statement, name } = declaration.exec(expression)?.groups ?? {};
  if (statement !== undefined) return `${statement}; shows(${name}, ${value});`;
  return `shows(${expression}, ${value});`;
}
