import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Database } from "@millrace/database";
import * as kernel from "@millrace/kernel";
import { openTestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as queueModule from "../src/index.ts";
import { readBlocks, readLinks, toModule } from "./docs-blocks.ts";
import type { Block } from "./docs-blocks.ts";
import { createScene } from "./docs-scene.ts";
import type { Scene } from "./docs-scene.ts";

const root = path.join(import.meta.dirname, "../../..");
const folder = "docs/queue";
const pages = [
  "packages/queue/README.md",
  ...(await readdir(path.join(root, folder))).map((name) => `${folder}/${name}`),
];
const run = promisify(execFile);

let database: Database;
/** Within the repository, so that imports find its packages, and where git does not look. */
let written: string;
/** By the place of the block. */
const modules = new Map<string, string>();

beforeAll(async () => {
  database = await openTestDatabase();
  await mkdir(path.join(root, "test-results"), { recursive: true });
  written = await mkdtemp(path.join(root, "test-results/docs-examples-"));
  await writeModules();
});
afterAll(async () => {
  await database.close();
  await rm(written, { recursive: true });
});

async function writeModules(): Promise<void> {
  const { scene, finish } = await createScene(database);
  await finish();
  const given = {
    imports: {
      "@millrace/queue": Object.keys(queueModule).filter((name) => !(name in scene)),
      "@millrace/kernel": Object.keys(kernel),
      kysely: ["sql"],
      vitest: ["expect"],
      zod: ["z"],
    },
    scene: Object.keys(scene),
    sceneModule: path.join(import.meta.dirname, "docs-scene.ts"),
  };
  for (const block of pages.flatMap((page) => readBlocks(root, page))) {
    const file = path.join(written, `${block.place.replaceAll(/[^a-z0-9]+/gi, "-")}.ts`);
    await writeFile(file, toModule(block, given));
    modules.set(block.place, file);
  }
  const options = { noUnusedLocals: false, noUnusedParameters: false };
  await writeFile(
    path.join(written, "tsconfig.json"),
    JSON.stringify({
      extends: path.join(root, "tsconfig.json"),
      compilerOptions: options,
      include: ["*.ts"],
    }),
  );
}

/** What goes wrong when the examples of a page are done one after the other. */
async function playPage(page: string): Promise<readonly string[]> {
  const { scene, finish } = await createScene(database);
  const failures: string[] = [];
  const attempt = async (place: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => failures.push(`${place}: ${kernel.toError(error).message}`));
  };
  for (const block of readBlocks(root, page)) {
    await attempt(block.place, async () => (await load(block))(scene));
  }
  await attempt(`a handler of ${page}`, finish);
  return failures;
}

async function load({ place }: Block): Promise<(scene: Scene) => Promise<void>> {
  const module = (await import(pathToFileURL(modules.get(place) ?? "").href)) as {
    default: (scene: Scene) => Promise<void>;
  };
  return module.default;
}

describe("an example", () => {
  const asModule = (code: string): string =>
    toModule({ place: "a page", code }, { imports: { zod: ["z"] }, scene: ["queue"], sceneModule: "scene" });

  it("is held to what it shows", () => {
    const module = asModule("const two = 1 + 1; // → 2\ntwo + 1; // → 3\n");

    expect(module).toContain("const two = 1 + 1; shows(two, 2);");
    expect(module).toContain("shows(two + 1, 3);");
  });

  it("is held to what it throws", () => {
    expect(asModule("await queue.resume(); // throws not_here\n")).toContain(
      'await refuses(async () => { await queue.resume(); }, "not_here");',
    );
  });

  it("is not given what it imports itself", () => {
    expect(asModule('import { z } from "other";\n')).not.toContain('from "zod"');
  });
});

it("the examples of the queue's pages have the right types", async () => {
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  const checked = await run(process.execPath, [compiler, "-p", written], { timeout: 120_000 }).catch(
    (failure: { stdout: string }) => failure,
  );

  expect(checked.stdout).toBe("");
});

describe.each(pages)("%s", (page) => {
  it("has examples that do what they say", async () => {
    expect(await playPage(page)).toEqual([]);
  });

  it("links to files that are there", () => {
    const missing = readLinks(root, page).filter(
      (target) => !existsSync(path.join(root, path.dirname(page), target)),
    );

    expect(missing).toEqual([]);
  });
});
