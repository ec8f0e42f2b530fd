import { readFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { importReferences } from "./imports.ts";
import type { ImportReference } from "./imports.ts";
import type { Workspace } from "./workspaces.ts";

type BoundaryRule =
  | "relative-escape"
  | "undeclared-package"
  | "wrong-direction"
  | "package-without-layer"
  | "test-code-in-product";

export type BoundaryProblem = {
  readonly rule: BoundaryRule;
  readonly where: string;
  readonly message: string;
};

/**
 * Dependencies point to an earlier layer only; packages of one layer do not know each other.
 * A new package gets its place here, next to the decision record that introduces it.
 */
const layers: readonly (readonly string[])[] = [
  ["@millrace/kernel"],
  ["@millrace/contracts"],
  ["@millrace/database"],
  ["@millrace/cache", "@millrace/outbound"],
  ["@millrace/queue", "@millrace/models", "@millrace/extract"],
  ["@millrace/live", "@millrace/search", "@millrace/crews", "@millrace/usage"],
  ["@millrace/documents", "@millrace/summaries", "@millrace/ask"],
  ["millrace", "@millrace/web"],
];

const webApp = "@millrace/web";

/** May be used by tests of every layer, and itself uses whatever it tests. */
const testSupport = "@millrace/testing";

/** Every import and declared dependency that crosses a package boundary the wrong way. */
export async function boundaryProblems(workspaces: readonly Workspace[]): Promise<BoundaryProblem[]> {
  const names = new Set(workspaces.map((workspace) => workspace.name));
  const problems = workspaces.flatMap((workspace) => manifestProblems(workspace, names));
  for (const workspace of workspaces) {
    for (const file of workspace.files) {
      const source = await readFile(file, "utf8");
      for (const reference of importReferences(source)) {
        const problem = importProblem(workspace, file, reference, names);
        if (problem !== undefined) problems.push(problem);
      }
    }
  }
  return problems;
}

function manifestProblems(workspace: Workspace, names: ReadonlySet<string>): BoundaryProblem[] {
  const where = `${workspace.label}/package.json`;
  if (workspace.name !== testSupport && layerOf(workspace.name) === undefined) {
    const message = `${workspace.name} has no layer; give it one in scripts/boundaries/problems.ts`;
    return [{ rule: "package-without-layer", where, message }];
  }
  return [...workspace.dependencies]
    .filter((dependency) => names.has(dependency))
    .flatMap((dependency) => directionProblem(workspace.name, dependency, where) ?? []);
}

function importProblem(
  workspace: Workspace,
  file: string,
  reference: ImportReference,
  names: ReadonlySet<string>,
): BoundaryProblem | undefined {
  const { specifier } = reference;
  const path = relative(workspace.directory, file);
  const where = `${workspace.label}/${path}:${reference.line}`;
  if (specifier.startsWith(".")) {
    const target = resolve(dirname(file), specifier);
    if (!relative(workspace.directory, target).startsWith("..")) return undefined;
    // What a build produced is a product, not source; the server hands out the web app's this way.
    if (/\/dist(\/|$)/.test(target)) return undefined;
    const message = `"${specifier}" leaves the package; import the other package by its name`;
    return { rule: "relative-escape", where, message };
  }
  const name = packageName(specifier);
  if ((!names.has(name) && !name.startsWith("@millrace/")) || name === workspace.name) return undefined;
  const isTest = isTestFile(path);
  if (name === testSupport && !isTest && workspace.name !== testSupport) {
    return { rule: "test-code-in-product", where, message: `${testSupport} is for tests only` };
  }
  if (!workspace.dependencies.has(name) && !(isTest && workspace.devDependencies.has(name))) {
    const section = isTest ? "dependencies or devDependencies" : "dependencies";
    const message = `${name} is not among the ${section} of ${workspace.label}/package.json`;
    return { rule: "undeclared-package", where, message };
  }
  return isTest ? undefined : directionProblem(workspace.name, name, where);
}

function directionProblem(from: string, to: string, where: string): BoundaryProblem | undefined {
  if (from === testSupport) return undefined;
  if (to === testSupport) {
    return { rule: "test-code-in-product", where, message: `${testSupport} belongs into devDependencies` };
  }
  if (from === webApp && to !== "@millrace/contracts") {
    return {
      rule: "wrong-direction",
      where,
      message: `${webApp} runs in browsers; it may use contracts only`,
    };
  }
  const fromLayer = layerOf(from);
  const toLayer = layerOf(to);
  if (fromLayer !== undefined && toLayer !== undefined && toLayer < fromLayer) return undefined;
  return { rule: "wrong-direction", where, message: `${from} must not depend on ${to}` };
}

function layerOf(name: string): number | undefined {
  const index = layers.findIndex((layer) => layer.includes(name));
  return index === -1 ? undefined : index;
}

function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function isTestFile(path: string): boolean {
  return /\.test\.tsx?$/.test(path) || /^(test|e2e)\//.test(path);
}
