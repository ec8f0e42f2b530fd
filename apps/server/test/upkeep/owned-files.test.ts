import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "@millrace/database";
import { openTestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ownsFiles } from "../../src/upkeep/owned-files.ts";

let folder: string;
let first: Database;
let second: Database;

async function openNew(): Promise<Database> {
  const database = await openTestDatabase();
  return database;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-owned-files-"));
  first = await openNew();
  second = await openNew();
});
afterAll(async () => {
  await first.close();
  await second.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the files of a folder", () => {
  it("belong to the first database that used it, for good", async () => {
    expect(await ownsFiles(first, folder)).toBe(true);
    expect(await ownsFiles(second, folder)).toBe(false);
    expect(await ownsFiles(first, folder)).toBe(true);
  });
});
