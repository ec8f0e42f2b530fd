import { silentLogger } from "@millrace/kernel";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { databaseUnavailable, openPostgres } from "../src/index.ts";
import type { Database } from "../src/index.ts";
import { openKind } from "./open-kind.ts";

/** In place of the minute. */
const answerMs = 500;
const longerThanThat = sql`SELECT pg_sleep(1)`;
const never = new AbortController().signal;

let opened: TestDatabase;
let database: Database;
beforeAll(async () => {
  opened = await openKind("postgres", { isMigrated: false });
});
afterAll(async () => await opened.close());
beforeEach(() => {
  const url = new URL(opened.url!);
  url.searchParams.set("query_timeout", String(answerMs));
  database = openPostgres({ url: url.href, poolSize: 1, logger: silentLogger });
});
afterEach(async () => await database.close());

it("waits for the answer to a long statement, and for no other, and uses its connection again", async () => {
  await database.runLong(longerThanThat, never);

  const { rows } = await sql`SELECT 1 AS one`.execute(database.queryable);
  expect(rows).toEqual([{ one: 1 }]);
  const overdue: unknown = await longerThanThat.execute(database.queryable).catch((error: unknown) => error);
  expect(databaseUnavailable(overdue)?.code).toBe("database_unavailable");
});

it("leaves a long statement when the signal comes, so that the database can be closed", async () => {
  const leaving = new AbortController();
  const running = database.runLong(sql`SELECT pg_sleep(60)`, leaving.signal);
  await expect
    .poll(async () => {
      const found = await sql`
        SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND state = 'active'`.execute(
        opened.database.queryable,
      );
      return found.rows.length;
    })
    .toBe(1);

  leaving.abort(new Error("the worker stops"));

  await expect(running).rejects.toThrow("the worker stops");
  await database.close();
});

it("says why the server refused a long statement, and goes on", async () => {
  await expect(database.runLong(sql`SELECT 1 / 0`, never)).rejects.toMatchObject({ code: "22012" });

  const { rows } = await sql`SELECT 1 AS one`.execute(database.queryable);
  expect(rows).toEqual([{ one: 1 }]);
});

it("refuses a long statement when it is closed", async () => {
  await database.close();

  await expect(database.runLong(sql`SELECT 1`, never)).rejects.toMatchObject({ code: "database_closed" });
});
