import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { PostgresStore, StoredCache } from "@millrace/cache";
import { openPostgres } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import type { StoredAnswer } from "@millrace/models";
import { readLines, testDatabases, waitFor } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { createAnswerStore } from "../src/answers/cached-answers.ts";

let opened: TestDatabase;
beforeAll(async () => {
  opened = await testDatabases()
    .find(({ name }) => name === "postgres")!
    .open();
});
afterAll(() => opened.close());

const lockMs = 2_000;
const childPath = fileURLToPath(new URL("answering-child.ts", import.meta.url));
const answer: StoredAnswer = {
  text: "of the second",
  model: "openai:x",
  tokens: { input: 1, output: 1, cachedInput: null },
  answeredAt: "2026-11-21T10:00:00.000Z",
};

it("makes an answer itself when the process that was making it is killed, and not before", async () => {
  const key = newId();
  const url = opened.pgbouncerUrl!;
  const child = spawn(process.execPath, [childPath, url, key, String(lockMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  for await (const line of readLines(child)) if (line === "making") break;
  const database = openPostgres({ url, poolSize: 2, logger: silentLogger });
  const store = new PostgresStore({ database, logger: silentLogger });
  const cache = new StoredCache({ store, logger: silentLogger });
  let wasKilled = false;
  const asking = createAnswerStore({ cache, ttlSeconds: 60, isShared: false, lockMs }).once(
    { key, owner: "o", signal: undefined },
    async () => {
      if (!wasKilled) throw new Error("two made it at once");
      return answer;
    },
  );
  asking.catch(() => undefined);
  const readLock = async () => {
    const found = await sql<{ until_ms: number }>`
      SELECT extract(epoch FROM lock_until)::double precision * 1000 AS until_ms
      FROM cache_entry WHERE key LIKE ${`%${key}`}`.execute(opened.database.queryable);
    return found.rows[0];
  };
  const first = await readLock();
  // Longer than the lock lasts without its holder.
  await waitFor(async () => (await readLock())!.until_ms > first!.until_ms + lockMs, {
    describe: "the child to hold its lock for longer",
  });

  child.kill("SIGKILL");
  wasKilled = true;
  await once(child, "exit");

  expect(await asking).toEqual({ answer, from: "made" });
  await cache.stop();
  await database.close();
});
