import type { Database, QueryAccess } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({ name: "tests.pay", input: z.object({}), output: z.null(), retries: 0 });

describe.each(testDatabases())("the record of a step on $name", (kind) => {
  const opened = useQueue(kind);

  it("writes its rows once when the answer to its commit is lost", async () => {
    let isToBeLost = false;
    const losing = (access: QueryAccess): QueryAccess => ({
      queryable: access.queryable,
      transaction: async (work) => {
        const result = await access.transaction(work);
        if (!isToBeLost) return result;
        isToBeLost = false;
        throw Object.assign(new Error("connection lost"), { code: "ECONNRESET" });
      },
    });
    const database: Database = {
      ...opened.database,
      ...losing(opened.database),
      background: losing(opened.database.background),
    };
    await sql`CREATE TABLE payment (nth integer)`.execute(opened.database.queryable);
    let records = 0;
    const handler = handleTask({
      task,
      run: async ({ step }) => {
        await step("pay", () => Promise.resolve(true), {
          record: async ({ transaction }) => {
            isToBeLost = ++records === 1;
            await sql`INSERT INTO payment VALUES (${records})`.execute(transaction);
          },
        });
        return null;
      },
    });
    const queue = new Queue({ database, logger: silentLogger, handlers: [handler] });

    const { id } = await queue.add(task, {});
    await opened.startWorker(queue);
    const ended = await queue.waitForEnd(id, { timeoutMs: 15_000 });
    const paid = await sql`SELECT nth FROM payment`.execute(opened.database.queryable);

    expect(isToBeLost).toBe(false);
    expect(ended).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(paid.rows).toEqual([{ nth: 1 }]);
  });
});
