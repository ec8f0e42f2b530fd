import { databaseUnavailable, openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { testDatabases } from "../src/index.ts";
import type { TestDatabase } from "../src/index.ts";

let opened: TestDatabase | undefined;
let database: Database;

beforeAll(async () => {
  opened = await testDatabases()
    .find(({ name }) => name === "postgres")
    ?.open({ isMigrated: false });
  database = openPostgres({ url: opened?.url ?? "", poolSize: 1, logger: silentLogger });
});
afterAll(async () => {
  await database.close();
  await opened?.close();
});

it("survives a connection that is cut between two statements of a transaction", async () => {
  const transaction = database.transaction(async (open) => {
    const own = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(open);
    await sql`SELECT pg_terminate_backend(${own.rows[0]?.pid})`.execute(opened!.database.queryable);
    await expect
      .poll(
        async () =>
          (
            await sql`SELECT 1 FROM pg_stat_activity WHERE pid = ${own.rows[0]?.pid}`.execute(
              opened!.database.queryable,
            )
          ).rows,
      )
      .toEqual([]);
    await sql`SELECT 1`.execute(open);
  });

  const failure: unknown = await transaction.catch((error: unknown) => error);

  expect(databaseUnavailable(failure)?.code).toBe("database_unavailable");
  expect((await sql<{ one: number }>`SELECT 1 AS one`.execute(database.queryable)).rows).toEqual([
    { one: 1 },
  ]);
});
