import { sleep } from "@millrace/kernel";
import { sql } from "kysely";
import { beforeAll, describe, expect, it } from "vitest";
import { isUniqueViolation, sqlFailure } from "../../src/index.ts";
import type { Database, Queryable } from "../../src/index.ts";
import { runTransaction } from "../../src/run-transaction.ts";

/** What every database does with transactions and refusals, whoever holds the connection. */
export function transactionSuite(open: () => Database): void {
  describe("transactions", () => {
    beforeAll(async () => {
      await sql`
        CREATE TABLE account (
          name text CONSTRAINT account_name_is_unique UNIQUE,
          balance integer CONSTRAINT account_balance_is_positive CHECK (balance >= 0)
        )`.execute(open().queryable);
    });

    it("keeps what a transaction wrote when it returns, and passes its result on", async () => {
      const result = await open().transaction(async (transaction) => {
        await add(transaction, "kept", 1);
        return "done";
      });

      expect(result).toBe("done");
      expect(await balances(open().queryable, "kept")).toEqual([1]);
    });

    it("drops what a transaction wrote when it throws, and throws the same error", async () => {
      const mistake = new Error("changed my mind");

      const failed = open().transaction(async (transaction) => {
        await add(transaction, "dropped", 1);
        throw mistake;
      });

      await expect(failed).rejects.toBe(mistake);
      expect(await balances(open().queryable, "dropped")).toEqual([]);
    });

    it("drops everything when one statement was refused, and works on afterwards", async () => {
      const failed = open().transaction(async (transaction) => {
        await add(transaction, "half", 1);
        await add(transaction, "half too", -1);
      });

      await expect(failed).rejects.toMatchObject({
        code: "23514",
        constraint: "account_balance_is_positive",
      });
      await open().transaction((transaction) => add(transaction, "next", 2));
      expect(await balances(open().queryable, "half")).toEqual([]);
      expect(await balances(open().queryable, "next")).toEqual([2]);
    });

    it("fails when the refusal of a statement was kept from it, since nothing is kept then", async () => {
      await add(open().queryable, "there", 1);
      let tries = 0;

      const undone = open().transaction(async (transaction) => {
        tries++;
        await add(transaction, "thought kept", 1);
        await add(transaction, "there", 2).catch(() => undefined);
      });

      await expect(undone).rejects.toMatchObject({ code: "transaction_was_undone", retryable: false });
      expect(tries).toBe(1);
      await open().transaction((transaction) => add(transaction, "after it", 2));
      expect(await balances(open().queryable, "thought kept")).toEqual([]);
      expect(await balances(open().queryable, "after it")).toEqual([2]);
    });

    it("undoes one that waits for something else, frees its connection, and carries out nothing of it later", async () => {
      const late = Promise.withResolvers<void>();
      const sent = Promise.withResolvers<unknown>();

      const stuck = runTransaction(
        open().queryable,
        async (transaction) => {
          await add(transaction, "stuck", 1);
          await late.promise;
          await add(transaction, "stuck", 2).catch(sent.resolve);
        },
        { idleMs: 50 },
      );

      await expect(stuck).rejects.toMatchObject({ code: "transaction_idle" });
      late.resolve();
      expect(await sent.promise).toMatchObject({ code: "transaction_idle" });
      expect(await balances(open().queryable, "stuck")).toEqual([]);
    });

    it("lets one take its time whose statements do", async () => {
      await runTransaction(
        open().queryable,
        async (transaction) => {
          // Longer in the database than a transaction may stand idle.
          await sql`SELECT count(*) FROM generate_series(1, 3000000)`.execute(transaction);
          await add(transaction, "slow", 1);
          await sleep(30);
          await add(transaction, "slow too", 2);
          await sleep(30);
        },
        { idleMs: 50 },
      );

      expect(await balances(open().queryable, "slow")).toEqual([1]);
      expect(await balances(open().queryable, "slow too")).toEqual([2]);
    });

    it("keeps what was written around a savepoint whose statement was refused", async () => {
      await open().transaction(async (transaction) => {
        await add(transaction, "around", 1);
        await sql`SAVEPOINT attempt`.execute(transaction);
        await add(transaction, "around", 2).catch(() => undefined);
        await sql`ROLLBACK TO SAVEPOINT attempt`.execute(transaction);
      });

      expect(await balances(open().queryable, "around")).toEqual([1]);
    });

    it("names the SQLSTATE and the rule of a row that exists twice", async () => {
      await add(open().queryable, "twice", 1);

      const refusal: unknown = await add(open().queryable, "twice", 2).catch((error: unknown) => error);

      expect(sqlFailure(refusal)).toEqual({ sqlState: "23505", constraint: "account_name_is_unique" });
      expect(isUniqueViolation(refusal, "account_name_is_unique")).toBe(true);
      expect(isUniqueViolation(refusal, "another_rule")).toBe(false);
    });

    it("gives the SQLSTATE of a statement that is wrong", async () => {
      const wrong = sql`SELECT * FROM nowhere`.execute(open().queryable);

      await expect(wrong).rejects.toMatchObject({ code: "42P01" });
    });

    it("counts the rows that a statement changed", async () => {
      await sql`INSERT INTO account VALUES ('a', 7), ('b', 7), ('c', 7)`.execute(open().queryable);

      const changed = await sql`DELETE FROM account WHERE balance = 7`.execute(open().queryable);

      expect(changed.numAffectedRows).toBe(3n);
    });

    it("serves many at once, each with its own answer", async () => {
      const numbers = Array.from({ length: 60 }, (_, index) => index);

      const answers = await Promise.all(
        numbers.map((number) =>
          open().transaction(async (transaction) => {
            await sql`SELECT 1`.execute(transaction);
            return await sql<{ number: number }>`SELECT ${number}::integer AS number`.execute(transaction);
          }),
        ),
      );

      expect(answers.map(({ rows }) => rows[0]?.number)).toEqual(numbers);
    });
  });
}

async function add(queryable: Queryable, name: string, balance: number): Promise<void> {
  await sql`INSERT INTO account VALUES (${name}, ${balance})`.execute(queryable);
}

async function balances(queryable: Queryable, name: string): Promise<number[]> {
  const found = await sql<{ balance: number }>`SELECT balance FROM account WHERE name = ${name}`.execute(
    queryable,
  );
  return found.rows.map(({ balance }) => balance);
}
