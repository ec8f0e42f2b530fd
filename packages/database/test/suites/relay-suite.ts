import { setImmediate } from "node:timers/promises";
import { sql } from "kysely";
import { beforeAll, describe, expect, it } from "vitest";
import { openRelayed, serveRelay } from "../../src/index.ts";
import type { Database } from "../../src/index.ts";
import { portPair } from "../port-pair.ts";

/** What a child's end of the relay leaves behind in the parent's database. */
export function relayEndSuite(open: () => Database): void {
  describe("the end of a relay", () => {
    beforeAll(async () => {
      await sql`CREATE TABLE left_behind (name text)`.execute(open().queryable);
    });

    it("rolls back what a dead child left open, and gives its connection back", async () => {
      const { parent, child } = portPair();
      const end = serveRelay(open(), parent);
      const written = Promise.withResolvers<void>();
      const unfinished = openRelayed(child, open().kind).transaction(async (transaction) => {
        await sql`INSERT INTO left_behind VALUES ('unfinished')`.execute(transaction);
        written.resolve();
        await new Promise(() => undefined);
      });
      unfinished.catch(() => undefined);
      await written.promise;

      await end();

      const found = await sql`SELECT name FROM left_behind`.execute(open().queryable);
      expect(found.rows).toEqual([]);
    });

    it("rolls back and takes back what a child holds and does not use", async () => {
      const { parent, child } = portPair();
      const end = serveRelay(open(), parent, { idleMs: 50 });
      const stuck = openRelayed(child, open().kind).transaction(async (transaction) => {
        await sql`INSERT INTO left_behind VALUES ('stuck')`.execute(transaction);
        // Longer than the child may stand still; embedded, it even waits for the child's connection.
        await sql`SELECT pg_sleep(0.2)`.execute(open().queryable);
        await sql`SELECT 1`.execute(transaction);
      });

      await expect(stuck).rejects.toMatchObject({ code: "database_connection_given_back" });
      const found = await sql`SELECT name FROM left_behind`.execute(open().queryable);
      expect(found.rows).toEqual([]);
      await end();
    });

    it("leaves a connection to a child that said something while this process stood still", async () => {
      const { parent, child } = portPair();
      const end = serveRelay(open(), parent, { idleMs: 200 });

      const answer = await openRelayed(child, open().kind).transaction(async (transaction) => {
        await sql`SELECT 1`.execute(transaction);
        standStill(300);
        // A long message is read in many turns of the loop.
        await setImmediate();
        await setImmediate();
        standStill(300);
        return await sql`SELECT 1 AS one`.execute(transaction);
      });

      expect(answer.rows).toEqual([{ one: 1 }]);
      await end();
    });

    it("leaves a connection to a child while a statement takes its time", async () => {
      const { parent, child } = portPair();
      const end = serveRelay(open(), parent, { idleMs: 50 });

      const answer = await openRelayed(child, open().kind).transaction(async (transaction) => {
        await sql`SELECT pg_sleep(0.2)`.execute(transaction);
        return await sql`SELECT 1 AS one`.execute(transaction);
      });

      expect(answer.rows).toEqual([{ one: 1 }]);
      await end();
    });

    it("ends while the child still waits for connections", async () => {
      const { parent, child } = portPair();
      const end = serveRelay(open(), parent);
      const relayed = openRelayed(child, open().kind);
      const first = Promise.withResolvers<void>();
      for (let index = 0; index < 20; index++) {
        const asked = relayed.transaction(async (transaction) => {
          await sql`SELECT 1`.execute(transaction);
          first.resolve();
          await new Promise(() => undefined);
        });
        asked.catch(() => undefined);
      }
      await first.promise;

      await end();

      const answer = await sql`SELECT 1 AS one`.execute(open().queryable);
      expect(answer.rows).toEqual([{ one: 1 }]);
    });

    it("does not answer a child after the end", async () => {
      const { parent, child } = portPair();
      const answers: unknown[] = [];
      child.onMessage((message) => void answers.push(message));
      await serveRelay(open(), parent)();

      child.send({ kind: "acquire", id: 1 });
      await setImmediate();
      await setImmediate();

      expect(answers).toEqual([]);
    });

    it("refuses a statement on a connection that was given back", async () => {
      const { parent, child } = portPair();
      const end = serveRelay(open(), parent);
      const answered = Promise.withResolvers<unknown>();
      child.onMessage(answered.resolve);

      child.send({ kind: "query", id: 1, connection: 99, sql: "SELECT 1", parameters: [] });

      expect(await answered.promise).toMatchObject({
        kind: "failed",
        id: 1,
        code: "database_connection_given_back",
      });
      await end();
    });
  });
}

/** Neither timers nor messages are looked at for so long. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
