import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { errorCode } from "@millrace/kernel";
import { openEmbedded } from "../src/index.ts";
import type { Database } from "../src/index.ts";

let database: Database;
beforeAll(async () => {
  database = await openEmbedded(null);
});
afterAll(async () => await database.close());

describe("the one connection of the embedded database", () => {
  it("fails a query on the database inside its own transaction, naming the transaction", async () => {
    const failure = await database.transaction(async (transaction) => {
      await sql`CREATE TABLE made_meanwhile (id integer)`.execute(transaction);
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const waiting = sql`SELECT 1`.execute(database.queryable).catch((error: unknown) => error);
      await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(30_000);
      vi.useRealTimers();
      return await waiting;
    });

    expect(errorCode(failure)).toBe("database_wait_expired");
    expect(failure).toHaveProperty("message", expect.stringContaining("embedded-connection.test.ts"));
    const found = await sql`SELECT id FROM made_meanwhile`.execute(database.queryable);
    expect(found.rows).toEqual([]);
  });

  it("gives statements after the failed wait their turn", async () => {
    const answers = await Promise.all(
      [1, 2, 3].map((number) => sql`SELECT ${number}::integer AS number`.execute(database.queryable)),
    );

    expect(answers.flatMap(({ rows }) => rows)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
  });
});
