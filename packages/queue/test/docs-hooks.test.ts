import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { hookNames } from "../src/index.ts";

it("the documentation names each hook, and none that is not there", async () => {
  const root = path.join(import.meta.dirname, "../../..");
  const page = await readFile(path.join(root, "docs/queue/observing.md"), "utf8");

  const named = [...page.matchAll(/^\| `((?:job|worker|queue|write)\.\w+)` /gm)].map(([, name]) => name);

  expect(new Set(named)).toEqual(new Set(Object.keys(hookNames)));
});
