import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { errorCode, isMillraceError } from "@millrace/kernel";
import { openEmbedded, openRelayed, serveRelay } from "../src/index.ts";
import type { Database } from "../src/index.ts";
import { portPair } from "./port-pair.ts";

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
    expect(failure).toHaveProperty("cause.message", expect.stringContaining("embedded-connection.test.ts"));
    expect(failure).toHaveProperty("message", expect.not.stringContaining("embedded-connection.test.ts"));
    const found = await sql`SELECT id FROM made_meanwhile`.execute(database.queryable);
    expect(found.rows).toEqual([]);
  });

  it("gives statements after the failed wait their turn", async () => {
    const answers = await Promise.all(
      [1, 2, 3].map((number) => sql`SELECT ${number}::integer AS number`.execute(database.queryable)),
    );

    expect(answers.flatMap(({ rows }) => rows)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
  });

  it("tells a child process of a failed wait with the same error", async () => {
    const { parent, child } = portPair();
    const end = serveRelay(database, parent);
    const relayed = openRelayed(child, "embedded");

    const failure = await database.transaction(async (transaction) => {
      await sql`SELECT 1`.execute(transaction);
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const waiting = sql`SELECT 1`.execute(relayed.queryable).catch((error: unknown) => error);
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
      await vi.advanceTimersByTimeAsync(30_000);
      vi.useRealTimers();
      return await waiting;
    });
    await end();

    expect(isMillraceError(failure)).toBe(true);
    expect(failure).toMatchObject({ code: "database_wait_expired", kind: "unavailable", retryable: true });
  });
});
