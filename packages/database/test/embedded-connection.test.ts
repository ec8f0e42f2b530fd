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

  describe("with an answer that can't be handed over", () => {
    /** As text, which travels at any depth, and comes back as what it says. */
    const nested = (levels: number) => {
      const text = `${"[".repeat(levels)}${"]".repeat(levels)}`;
      return sql<{ value: unknown }>`SELECT ${text}::jsonb AS value`;
    };

    it.each([
      ["this thread can't read it", 5_000],
      ["its own thread can't write it", 20_000],
    ])("fails that statement and no other: %s", async (_name, levels) => {
      const number = (value: number) => sql`SELECT ${value}::integer AS value`.execute(database.queryable);

      const [before, tooDeep, after] = await Promise.allSettled([
        number(1),
        nested(levels).execute(database.queryable),
        number(2),
      ]);

      expect(tooDeep).toMatchObject({
        status: "rejected",
        reason: { code: "database_answer_unreadable", kind: "internal" },
      });
      expect(before).toMatchObject({ value: { rows: [{ value: 1 }] } });
      expect(after).toMatchObject({ value: { rows: [{ value: 2 }] } });
    });

    it("undoes the transaction that asked for it", async () => {
      const asked = database.transaction(async (transaction) => {
        await sql`CREATE TABLE made_before (id integer)`.execute(transaction);
        await nested(5_000).execute(transaction);
      });

      await expect(asked).rejects.toMatchObject({ code: "database_answer_unreadable" });
      const found = await sql<{
        name: string | null;
      }>`SELECT to_regclass('made_before')::text AS name`.execute(database.queryable);
      expect(found.rows).toEqual([{ name: null }]);
    });

    it("tells the right statement after one that could not be sent", async () => {
      const unsendable = sql`SELECT ${Symbol("x")}::text`.execute(database.queryable);
      await expect(unsendable).rejects.toThrow("could not be cloned");

      const tooDeep = nested(5_000).execute(database.queryable);

      await expect(tooDeep).rejects.toMatchObject({ code: "database_answer_unreadable" });
    });

    it("gives what is nested as deep as JSON may be", async () => {
      const { rows } = await nested(1_000).execute(database.queryable);

      expect(JSON.stringify(rows[0]?.value)).toHaveLength(2_000);
    });
  });
});
