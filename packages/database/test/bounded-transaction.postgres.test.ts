import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { databaseUnavailable, openRelayed, serveRelay } from "../src/index.ts";
import type { Queryable, QueryAccess } from "../src/index.ts";
import { openKind } from "./open-kind.ts";
import { portPair } from "./port-pair.ts";

let opened: TestDatabase;
beforeAll(async () => {
  opened = await openKind("postgres", { isMigrated: false });
});
afterAll(async () => await opened.close());

it("bounds how long a transaction may stand still and a statement may take, and only there", async () => {
  const inside = await opened.database.transaction(readLimits);

  expect(inside).toEqual({ idle: "15s", statement: "55s" });
  expect(await readLimits(opened.database.queryable)).toEqual({ idle: "0", statement: "0" });
});

it("bounds the transactions of a child process too", async () => {
  const { parent, child } = portPair();
  const endRelay = serveRelay(opened.database, parent);
  const relayed = openRelayed(child, "postgres");

  expect(await relayed.transaction(readLimits)).toEqual({ idle: "15s", statement: "55s" });

  await relayed.close();
  await endRelay();
});

it("keeps the limits of a transaction with an isolation level", async () => {
  const transaction = opened.database.queryable.transaction().setIsolationLevel("serializable");

  expect(await transaction.execute(readLimits)).toEqual({ idle: "15s", statement: "55s" });
});

it.each(["idle_in_transaction_session_timeout", "statement_timeout"])(
  "takes what %s ends for trouble that may pass, and frees the row",
  async (limit) => {
    const failure = await exceed(opened.database, limit).catch((error: unknown) => error);

    expect(databaseUnavailable(failure)?.code).toBe("database_unavailable");
    expect(await readLimits(opened.database.queryable)).toEqual({ idle: "0", statement: "0" });
  },
);

/** With a limit short enough for a test. */
function exceed(database: QueryAccess, limit: string): Promise<void> {
  return database.transaction(async (transaction) => {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(transaction);
    await sql.raw(`SET LOCAL ${limit} = '20ms'`).execute(transaction);
    if (limit === "statement_timeout") await sql`SELECT pg_sleep(10)`.execute(transaction);
    await expect
      .poll(
        async () =>
          (await sql`SELECT FROM pg_stat_activity WHERE pid = ${rows[0]?.pid}`.execute(database.queryable))
            .rows,
      )
      .toEqual([]);
    await sql`SELECT 1`.execute(transaction);
  });
}

async function readLimits(queryable: Queryable): Promise<{ idle: string; statement: string } | undefined> {
  const found = await sql<{ idle: string; statement: string }>`
    SELECT current_setting('idle_in_transaction_session_timeout') AS idle,
           current_setting('statement_timeout') AS statement`.execute(queryable);
  return found.rows[0];
}
