import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEmbedded } from "../src/index.ts";
import type { Database } from "../src/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A data folder with one row in its database, made once and copied by every test. */
let original: string;
beforeAll(async () => {
  original = mkdtempSync(path.join(tmpdir(), "millrace-original-"));
  const database = await openEmbedded(original);
  await sql`CREATE TABLE kept AS SELECT 'precious' AS name`.execute(database.queryable);
  await database.close();
});
afterAll(() => rmSync(original, { recursive: true, force: true }));

function copyOfOriginal(): { folder: string; target: string } {
  const folder = temporaryFolder();
  cpSync(original, folder, { recursive: true });
  return { folder, target: path.join(folder, "database") };
}

async function kept(database: Database): Promise<unknown> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM kept`.execute(database.queryable);
  return rows.map(({ name }) => name);
}

describe("the folder of the embedded database", () => {
  it("keeps what was committed, through closing and opening again", async () => {
    const { folder } = copyOfOriginal();

    const database = await openEmbedded(folder);

    expect(await kept(database)).toEqual(["precious"]);
    await database.close();
  });

  it("is closed by a close before the first statement", async () => {
    const { folder } = copyOfOriginal();
    const unused = await openEmbedded(folder);

    await unused.close();

    await expect(unused.transaction(async () => undefined)).rejects.toMatchObject({
      code: "database_closed",
    });
    const again = await openEmbedded(folder);
    expect(await kept(again)).toEqual(["precious"]);
    await again.close();
  });

  it.each<[string, (target: string) => void]>([
    ["pg_control is cut off", (target) => truncateSync(path.join(target, "global/pg_control"), 10)],
    ["pg_control is missing", (target) => rmSync(path.join(target, "global/pg_control"))],
    ["PG_VERSION is missing", (target) => rmSync(path.join(target, "PG_VERSION"))],
    ["PG_VERSION is of another version", (target) => writeFileSync(path.join(target, "PG_VERSION"), "99\n")],
    ["the log of changes is missing", (target) => empty(path.join(target, "pg_wal"))],
    ["the tables are missing", (target) => rmSync(path.join(target, "base"), { recursive: true })],
  ])("is refused and left as it is when %s", async (_name, damage) => {
    const { folder, target } = copyOfOriginal();
    damage(target);
    const before = lastingNames(target);

    const opening = openEmbedded(folder);

    await expect(opening).rejects.toMatchObject({ code: "embedded_database_damaged" });
    expect(lastingNames(target)).toEqual(expect.arrayContaining(before));
    expect(existsSync(path.join(folder, "database.unfinished"))).toBe(false);
  });

  it("is refused when something else is in its place", async () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, "database"));
    writeFileSync(path.join(folder, "database/notes.txt"), "mine");

    await expect(openEmbedded(folder)).rejects.toMatchObject({ code: "embedded_database_damaged" });

    expect(readdirSync(path.join(folder, "database"))).toEqual(["notes.txt"]);
    rmSync(path.join(folder, "database"), { recursive: true });
    writeFileSync(path.join(folder, "database"), "mine");
    await expect(openEmbedded(folder)).rejects.toMatchObject({ code: "embedded_database_damaged" });
    expect(readFileSync(path.join(folder, "database"), "utf8")).toBe("mine");
  });

  it("is refused when it can't be made there", async () => {
    const file = path.join(temporaryFolder(), "file");
    writeFileSync(file, "");

    await expect(openEmbedded(path.join(file, "below"))).rejects.toMatchObject({
      code: "embedded_database_damaged",
    });
  });
});

/** Without the caches that PostgreSQL itself removes whenever it starts. */
function lastingNames(target: string): string[] {
  const names = readdirSync(target, { recursive: true, encoding: "utf8" });
  return names.filter((name) => !name.endsWith("pg_internal.init"));
}

function empty(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true });
}
