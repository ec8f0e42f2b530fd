import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { allFaults } from "./all-faults.ts";

const names = allFaults.map(({ name }) => name);

it("gives each fault a name of its own", () => {
  expect(new Set(names).size).toBe(names.length);
});

it("has a line for each fault in docs/queue/faults.md", async () => {
  const page = await readFile(join(import.meta.dirname, "../../docs/queue/faults.md"), "utf8");

  expect(names.filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
});
