import { openPostgres } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { testDatabases } from "../src/index.ts";

it("reaches the same database through pgBouncer, and removes it although the pooler stays connected", async () => {
  const kind = testDatabases().find((each) => each.name === "postgres");
  const opened = await kind!.open({ isMigrated: false });
  await sql`CREATE TABLE seen_by_both (id integer)`.execute(opened.database.queryable);
  const pooled = openPostgres({ url: opened.pgbouncerUrl!, poolSize: 2, logger: silentLogger });

  const found = await sql<{ name: string | null }>`SELECT to_regclass('seen_by_both')::text AS name`.execute(
    pooled.queryable,
  );
  await pooled.close();
  await opened.close();

  const reopened = openPostgres({ url: opened.url!, poolSize: 1, logger: silentLogger });
  const afterClose = sql`SELECT 1`.execute(reopened.queryable);
  expect(found.rows).toEqual([{ name: "seen_by_both" }]);
  await expect(afterClose).rejects.toThrow();
  await reopened.close();
});
