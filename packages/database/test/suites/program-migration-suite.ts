import { writeFileSync } from "node:fs";
import path from "node:path";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { assertProgramMigrated, migrateProgram } from "../../src/index.ts";
import type { Database } from "../../src/index.ts";
import { temporaryFolder } from "../temporary-folder.ts";

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

async function hasTable(database: Database, name: string): Promise<boolean> {
  const found = await sql<{ found: boolean }>`SELECT to_regclass(${name}) IS NOT NULL AS found`.execute(
    database.queryable,
  );
  return found.rows[0]?.found === true;
}

/** The migrations of a program: names differ from test to test, for all share one database. */
export function programMigrationSuite(database: () => Database): void {
  describe("migrations of a program", () => {
    it("are applied once, in the order of their names", async () => {
      const folder = folderOf({
        "b_02.sql": "INSERT INTO ordered VALUES (1);\nINSERT INTO ordered VALUES (2);",
        "b_01.sql": "CREATE TABLE ordered (id integer);",
        "notes.txt": "no migration",
      });

      const applied = await Promise.all([
        migrateProgram(database(), folder),
        migrateProgram(database(), folder),
      ]);

      expect(applied.flat().toSorted()).toEqual(["b_01.sql", "b_02.sql"]);
      const rows = await sql`SELECT id FROM ordered ORDER BY id`.execute(database().queryable);
      expect(rows.rows).toEqual([{ id: 1 }, { id: 2 }]);
      await assertProgramMigrated(database(), folder);
    });

    it("are refused when the text of one that was applied has changed", async () => {
      const folder = folderOf({ "c_01.sql": "CREATE TABLE worded (id integer);" });
      await migrateProgram(database(), folder);
      writeFileSync(path.join(folder, "c_01.sql"), "CREATE TABLE worded (id bigint);");

      await expect(migrateProgram(database(), folder)).rejects.toMatchObject({
        code: "schema_mismatch",
        message: expect.stringContaining("c_01.sql"),
      });
      await expect(assertProgramMigrated(database(), folder)).rejects.toMatchObject({
        code: "schema_mismatch",
      });
    });

    it("leave nothing of one that fails, and name its file and line", async () => {
      const folder = folderOf({ "d_01.sql": "CREATE TABLE half (id integer);\n\nSELEC 1;\n" });

      await expect(migrateProgram(database(), folder)).rejects.toMatchObject({
        code: "migration_failed",
        message: expect.stringContaining("d_01.sql:3"),
      });

      expect(await hasTable(database(), "half")).toBe(false);
      writeFileSync(path.join(folder, "d_01.sql"), "CREATE TABLE whole (id integer);");
      expect(await migrateProgram(database(), folder)).toEqual(["d_01.sql"]);
    });

    it("may not end the transaction that records them", async () => {
      const folder = folderOf({ "e_01.sql": "CREATE TABLE escaped (id integer);\nCOMMIT;\nSELECT 1;" });

      await expect(migrateProgram(database(), folder)).rejects.toMatchObject({ code: "migration_failed" });

      expect(await hasTable(database(), "escaped")).toBe(false);
    });

    it("that are missing are named to a process that must not apply them", async () => {
      const folder = folderOf({ "f_01.sql": "SELECT 1;" });

      await expect(assertProgramMigrated(database(), folder)).rejects.toMatchObject({
        code: "schema_mismatch",
        message: expect.stringContaining("f_01.sql"),
      });
    });
  });
}
