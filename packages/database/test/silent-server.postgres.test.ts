import { silentLogger } from "@millrace/kernel";
import { startFaultProxy } from "@millrace/testing";
import type { FaultProxy, TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { databaseUnavailable, openPostgres } from "../src/index.ts";
import type { Database, Queryable } from "../src/index.ts";
import { openKind } from "./open-kind.ts";

/** In place of the minute. A busy machine must answer within it. */
const answerMs = 1_000;

let opened: TestDatabase;
beforeAll(async () => {
  opened = await openKind("postgres", { isMigrated: false });
});
afterAll(async () => await opened.close());

let proxy: FaultProxy;
let database: Database;
beforeEach(async () => {
  proxy = await startFaultProxy({ target: opened.url! });
  const url = new URL(proxy.through(opened.url!));
  url.searchParams.set("query_timeout", String(answerMs));
  database = openPostgres({ url: url.href, poolSize: 1, logger: silentLogger });
  await answer(database.queryable);
});
afterEach(async () => {
  await database.close();
  await proxy.stop();
});

/** Lets nothing through the connections that there are, not even their end. New ones work. */
const swallow = (): void => proxy.set({ kind: "black_hole" }, { scope: "existing" });

it("gives up a connection that does not answer, so that the next statement goes over another", async () => {
  swallow();

  const unanswered: unknown = await answer(database.queryable).catch((error: unknown) => error);

  expect(databaseUnavailable(unanswered)?.code).toBe("database_unavailable");
  expect(await answer(database.queryable)).toEqual([{ one: 1 }]);
});

it("gives a statement that waits for the connection another one", async () => {
  swallow();

  const [unanswered, waiting] = await Promise.allSettled([
    answer(database.queryable),
    answer(database.queryable),
  ]);

  expect(unanswered.status).toBe("rejected");
  expect(waiting).toMatchObject({ status: "fulfilled", value: [{ one: 1 }] });
});

it("fails a transaction whose connection falls silent, and runs the next one on another", async () => {
  const unanswered: unknown = await database
    .transaction(async (transaction) => {
      await answer(transaction);
      swallow();
      await answer(transaction);
    })
    .catch((error: unknown) => error);

  expect(databaseUnavailable(unanswered)?.code).toBe("database_unavailable");
  expect(await database.transaction(answer)).toEqual([{ one: 1 }]);
});

async function answer(queryable: Queryable): Promise<unknown> {
  const { rows } = await sql`SELECT 1 AS one`.execute(queryable);
  return rows;
}
