import { silentLogger } from "@millrace/kernel";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPostgres } from "../src/index.ts";
import type { Database } from "../src/index.ts";
import { openKind } from "./open-kind.ts";
import { transactionSuite } from "./suites/transaction-suite.ts";
import { valueSuite } from "./suites/value-suite.ts";

/** The test service accepts 200 clients, and other test files may be among them. */
const clientCount = 150;

let opened: TestDatabase;
let pooled: Database;
beforeAll(async () => {
  opened = await openKind("postgres", { isMigrated: false });
  pooled = openPostgres({ url: opened.pgbouncerUrl!, poolSize: clientCount, logger: silentLogger });
});
afterAll(async () => {
  await pooled.close();
  await opened.close();
});

describe("PostgreSQL behind pgBouncer in transaction mode", () => {
  transactionSuite(() => pooled);
  valueSuite(() => pooled);

  it("serves many clients at once with few connections, each transaction on one of them", async () => {
    const turns = Array.from({ length: clientCount }, (_, index) => index);

    const answers = await Promise.all(
      turns.map((turn) =>
        pooled.transaction(async (transaction) => {
          const before = await backend(transaction);
          await sql`SELECT ${turn}::integer, ${`text ${turn}`}::text`.execute(transaction);
          return { before, after: await backend(transaction) };
        }),
      ),
    );

    expect(answers.filter(({ before, after }) => before !== after)).toEqual([]);
    expect(new Set(answers.map(({ before }) => before)).size).toBeLessThan(clientCount / 2);
  });

  it("leaves no named statement and no session lock on any connection", async () => {
    const found = await Promise.all(
      Array.from({ length: clientCount }, () =>
        sql<{ count: number }>`
          SELECT (SELECT count(*) FROM pg_prepared_statements)
               + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS count
        `.execute(pooled.queryable),
      ),
    );

    expect(found.filter(({ rows }) => rows[0]?.count !== 0)).toEqual([]);
  });
});

async function backend(queryable: Database["queryable"]): Promise<number | undefined> {
  const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(queryable);
  return rows[0]?.pid;
}
