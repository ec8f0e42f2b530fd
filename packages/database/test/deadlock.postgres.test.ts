import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Transaction } from "../src/index.ts";
import { openKind } from "./open-kind.ts";

let opened: TestDatabase;
beforeAll(async () => {
  opened = await openKind("postgres", { isMigrated: false });
  await sql`CREATE TABLE counter (name text PRIMARY KEY, value integer NOT NULL)`.execute(
    opened.database.queryable,
  );
  await sql`INSERT INTO counter VALUES ('left', 0), ('right', 0)`.execute(opened.database.queryable);
});
afterAll(async () => await opened.close());

it("runs the loser of a deadlock again, so that both transactions are kept", async () => {
  const { database } = opened;
  const meetings = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  let tries = 0;
  const addBoth = (first: string, second: string, arrive: 0 | 1) =>
    database.transaction(async (transaction) => {
      tries++;
      await addOne(transaction, first);
      meetings[arrive].resolve();
      await meetings[arrive === 0 ? 1 : 0].promise;
      await addOne(transaction, second);
    });

  await Promise.all([addBoth("left", "right", 0), addBoth("right", "left", 1)]);

  const { rows } = await sql`SELECT value FROM counter ORDER BY name`.execute(database.queryable);
  expect(rows).toEqual([{ value: 2 }, { value: 2 }]);
  expect(tries).toBe(3);
});

it("gives up after the third conflict", async () => {
  let tries = 0;

  const conflicting = opened.database.transaction(async (transaction) => {
    tries++;
    await sql`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`.execute(transaction);
  });

  await expect(conflicting).rejects.toMatchObject({ code: "40001" });
  expect(tries).toBe(3);
});

async function addOne(transaction: Transaction, name: string): Promise<void> {
  await sql`UPDATE counter SET value = value + 1 WHERE name = ${name}`.execute(transaction);
}
