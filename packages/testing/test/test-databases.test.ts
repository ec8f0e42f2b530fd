import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { testDatabases } from "../src/index.ts";

describe.each(testDatabases())("a test database ($name)", (kind) => {
  it("is empty, of its own and can hold vectors", async () => {
    const one = await kind.open({ isMigrated: false });
    const other = await kind.open({ isMigrated: false });
    try {
      await sql`CREATE EXTENSION IF NOT EXISTS vector`.execute(one.database.queryable);
      await sql`CREATE TABLE only_here (place vector(3))`.execute(one.database.queryable);
      const found = await sql<{ name: string | null }>`SELECT to_regclass('only_here')::text AS name`.execute(
        other.database.queryable,
      );

      expect(found.rows).toEqual([{ name: null }]);
      expect(one.database.kind).toBe(kind.name);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  it("has all migrations unless it is asked not to", async () => {
    const opened = await kind.open();
    try {
      const found = await sql<{ count: number }>`SELECT count(*) AS count FROM schema_migration`.execute(
        opened.database.queryable,
      );

      expect(Number(found.rows[0]?.count)).toBeGreaterThan(0);
    } finally {
      await opened.close();
    }
  });
});
