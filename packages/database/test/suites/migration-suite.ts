import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { assertSchemaMatches, migrate } from "../../src/index.ts";
import type { Database } from "../../src/index.ts";
import { readMigrations } from "../../src/migrations/read-migrations.ts";

/** Works on an empty database of its own. The tests build on each other in this order. */
export function migrationSuite(open: () => Database): void {
  describe("migrations", () => {
    it("are asked for when the database is empty", async () => {
      await expect(assertSchemaMatches(open())).rejects.toMatchObject({ code: "schema_mismatch" });
    });

    it("are applied once, in order, by callers at the same time", async () => {
      const versions = (await readMigrations()).map(({ version }) => version);

      const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(open())));

      expect(applied.flat().toSorted((left, right) => left - right)).toEqual(versions);
      expect(await migrate(open())).toEqual([]);
      await assertSchemaMatches(open());
    });

    it("are asked for when the last one is missing", async () => {
      await withChange(
        open(),
        sql`UPDATE schema_migration SET version = 8000 WHERE version = (SELECT max(version) FROM schema_migration)`,
        sql`UPDATE schema_migration SET version = (SELECT count(*) FROM schema_migration) WHERE version = 8000`,
        () => expect(assertSchemaMatches(open())).rejects.toMatchObject({ code: "schema_mismatch" }),
      );
    });

    it("are refused when one was applied in another wording", async () => {
      const change = sql`UPDATE schema_migration SET checksum = 'other' || checksum WHERE version = 1`;
      const restore = sql`UPDATE schema_migration SET checksum = substr(checksum, 6) WHERE version = 1`;
      await withChange(open(), change, restore, async () => {
        await expect(assertSchemaMatches(open())).rejects.toMatchObject({ code: "schema_mismatch" });
        await expect(migrate(open())).rejects.toMatchObject({ code: "schema_mismatch" });
      });
    });

    it("of a newer program are accepted when they break nothing", async () => {
      await withChange(open(), newer({ isBreaking: false }), forgetNewer, async () => {
        await assertSchemaMatches(open());
        expect(await migrate(open())).toEqual([]);
      });
    });

    it("of a newer program are refused when they break older ones", async () => {
      await withChange(open(), newer({ isBreaking: true }), forgetNewer, async () => {
        await expect(assertSchemaMatches(open())).rejects.toMatchObject({ code: "schema_mismatch" });
        await expect(migrate(open())).rejects.toMatchObject({ code: "schema_mismatch" });
      });
    });
  });
}

const forgetNewer = sql`DELETE FROM schema_migration WHERE version = 9999`;

function newer({ isBreaking }: { isBreaking: boolean }) {
  return sql`
    INSERT INTO schema_migration (version, name, checksum, is_breaking)
    VALUES (9999, 'from_later', '', ${isBreaking})`;
}

async function withChange(
  database: Database,
  change: typeof forgetNewer,
  restore: typeof forgetNewer,
  check: () => Promise<void>,
): Promise<void> {
  await change.execute(database.queryable);
  try {
    await check();
  } finally {
    await restore.execute(database.queryable);
  }
}
