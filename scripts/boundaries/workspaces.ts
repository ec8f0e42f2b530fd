import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

/** A folder with its own package.json: what it may use and the source files that it holds. */
export type Workspace = {
  readonly name: string;
  readonly directory: string;
  /** Path from the repository, for messages. */
  readonly label: string;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
  readonly files: readonly string[];
};

/** All workspaces of a repository, read from its folders. */
export async function readWorkspaces(root: string): Promise<Workspace[]> {
  const workspaces: Workspace[] = [];
  for await (const path of glob(["apps/*/package.json", "packages/*/package.json"], { cwd: root })) {
    const directory = join(root, dirname(path));
    const manifest = parseManifest(await readFile(join(root, path), "utf8"), path);
    workspaces.push({
      ...manifest,
      directory,
      label: relative(root, directory),
      files: await sourceFiles(directory),
    });
  }
  return workspaces.toSorted((left, right) => left.label.localeCompare(right.label));
}

async function sourceFiles(directory: string): Promise<string[]> {
  const skipped = new Set(["node_modules", "dist", "data"]);
  const files: string[] = [];
  const found = glob("**/*.{ts,tsx,mts}", { cwd: directory, exclude: (name) => skipped.has(name) });
  for await (const file of found) if (existsSync(join(directory, file))) files.push(join(directory, file));
  return files.toSorted();
}

function parseManifest(text: string, path: string) {
  const manifest: unknown = JSON.parse(text);
  if (!isRecord(manifest) || typeof manifest.name !== "string") throw new Error(`${path} has no name`);
  return {
    name: manifest.name,
    dependencies: names(manifest.dependencies, manifest.peerDependencies),
    devDependencies: names(manifest.devDependencies),
  };
}

function names(...sections: readonly unknown[]): ReadonlySet<string> {
  return new Set(sections.flatMap((section) => (isRecord(section) ? Object.keys(section) : [])));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
