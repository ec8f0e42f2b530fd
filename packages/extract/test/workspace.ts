import { mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@millrace/kernel";
import { afterEach, expect } from "vitest";
import { createExtractor } from "../src/index.ts";
import type { Extractor, ExtractorOptions } from "../src/index.ts";

/** A folder for one test: files to read, and the place where children work. */
export type Workspace = {
  readonly root: string;
  readonly tempDirectory: string;
  readonly createExtractor: (options?: Partial<ExtractorOptions>) => Extractor;
  readonly write: (name: string, content: string | Uint8Array) => Promise<string>;
  /** Process ids of children that work in this test's folder. */
  readonly childIds: () => Promise<readonly number[]>;
  readonly leftovers: () => Promise<{ folders: readonly string[]; processes: readonly number[] }>;
};

type Opened = Workspace & { readonly extractors: Extractor[] };

const opened: Opened[] = [];

afterEach(async () => {
  for (const workspace of opened.splice(0)) {
    await Promise.all(workspace.extractors.map((extractor) => extractor.stop()));
    const left = await workspace.leftovers();
    await rm(workspace.root, { recursive: true, force: true });
    expect(left).toEqual({ folders: [], processes: [] });
  }
});

/** Opens a workspace that ends with the test, and fails it when a process or folder is left. */
export async function openWorkspace(): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), "extract-test-"));
  const tempDirectory = join(root, "work");
  const extractors: Extractor[] = [];
  const childIds = (): Promise<readonly number[]> => processesIn(tempDirectory);
  const workspace: Opened = {
    root,
    tempDirectory,
    extractors,
    childIds,
    createExtractor: (options) => {
      const extractor = createExtractor({ logger: silentLogger, tempDirectory, concurrency: 1, ...options });
      extractors.push(extractor);
      return extractor;
    },
    write: async (name, content) => {
      const path = join(root, name);
      await writeFile(path, content);
      return path;
    },
    leftovers: async () => ({
      folders: await readdir(tempDirectory).catch(() => []),
      processes: await childIds(),
    }),
  };
  opened.push(workspace);
  return workspace;
}

async function processesIn(folder: string): Promise<readonly number[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const folders = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => "")));
  return ids.filter((_id, index) => folders[index]?.startsWith(folder));
}
