import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findHeldOpen, findSessions, withApplicationName } from "./sessions.ts";

const name = "a victim";

let opened: TestDatabase;
let victim: Database;
beforeEach(async () => {
  const postgres = testDatabases().find((kind) => kind.name === "postgres");
  if (postgres === undefined) throw new Error("There is no PostgreSQL");
  opened = await postgres.open({ isMigrated: false });
  const url = withApplicationName(opened.url ?? "", name);
  victim = openPostgres({ url, poolSize: 1, logger: silentLogger });
});
afterEach(async () => {
  await victim.close();
  await opened.close();
});

describe("of a process on PostgreSQL", () => {
  it("nothing is found before it connects and after it has gone", async () => {
    const { queryable } = opened.database;
    const before = await findSessions(queryable, name);
    await sql`SELECT 1`.execute(victim.queryable);
    await victim.close();

    expect(before).toEqual([]);
    await expect.poll(() => findSessions(queryable, name)).toEqual([]);
    expect(await findHeldOpen(queryable)).toEqual([]);
  });

  it("an open session, a transaction that stands idle and its advisory lock are found", async () => {
    const { queryable } = opened.database;

    await victim.transaction(async (transaction) => {
      await sql`SELECT pg_advisory_xact_lock(1)`.execute(transaction);

      expect(await findSessions(queryable, name)).toEqual([
        expect.stringMatching(/of a victim is idle in transaction .* and holds \d locks/),
      ]);
      await expect
        .poll(() => findHeldOpen(queryable), { timeout: 10_000 })
        .toEqual([
          expect.stringMatching(/^a transaction of a victim stands idle after SELECT pg_advisory/),
          expect.stringMatching(/holds an advisory lock$/),
        ]);
    });
  });
});
