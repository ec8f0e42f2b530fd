import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localAccess, parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import { Queue } from "@millrace/queue";
import type { QueueWorker } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileStore, Documents, handleProcessDocument } from "../src/index.ts";
import type { FileStore } from "../src/index.ts";
import { recogniseText } from "../src/process/recognise-task.ts";

describe.each(testDatabases())("a picture in line for the recognition of its text, on $name", (kind) => {
  let opened: TestDatabase;
  let directory: string;
  let files: FileStore;
  let queue: Queue;
  let worker: QueueWorker;
  let documents: Documents;
  beforeAll(async () => {
    opened = await kind.open();
    directory = await mkdtemp(join(tmpdir(), "millrace-in-line-"));
    files = createFileStore({ directory });
    await files.start();
    const { database } = opened;
    const models = createModels({ settings: parseSettings(modelSettingsSchema, {}), logger: silentLogger });
    const read = { text: "", pages: [{ page: 1, charStart: 0, charEnd: 0 }], pagesWithoutText: [1] };
    const extracted = {
      ...read,
      fileType: "image",
      method: "none",
      title: null,
      encoding: null,
      warnings: [],
    };
    const processing = handleProcessDocument({
      ...{ database, files, models },
      // Of these nothing else is used: nobody serves the queue of those who recognise.
      extractor: { extract: async () => extracted },
      recognition: { maxPages: 10 },
      appendEvents: (...given: Parameters<Queue["appendEvents"]>) => queue.appendEvents(...given),
    } as unknown as Parameters<typeof handleProcessDocument>[0]);
    queue = new Queue({ database, logger: silentLogger, handlers: [processing], tasks: [recogniseText] });
    documents = new Documents({ queue, files });
    worker = queue.createWorker({
      ...{ name: "w", queues: ["documents"], concurrency: 2 },
      ...{ leaseMs: 60_000, beatMs: 20_000, pollMs: 50, drainMs: 50 },
    });
    await worker.start();
  });
  afterAll(async () => {
    await worker.stop();
    await files.stop();
    await opened.close();
    await rm(directory, { recursive: true });
  });

  const accept = async (): Promise<{ readonly id: string; readonly jobId: string }> => {
    const stored = await files.write(
      (async function* () {
        yield Buffer.from("A picture.");
      })(),
      { maxBytes: 100 },
    );
    const { key: fileKey, size, sha256 } = stored;
    const content = { kind: "file", fileName: "a.png", fileType: "image", fileKey, size, sha256 } as const;
    const taken = await documents.accept(localAccess, { content, title: undefined, idempotency: undefined });
    if (taken.kind !== "new") throw new Error("it had no key");
    return { id: taken.accepted.document.id, jobId: taken.accepted.job.id };
  };
  /** How often it has looked, and in how many seconds it looks again. */
  const looksOf = async (jobId: string) => {
    const found = await sql<{ looks: number; seconds: number }>`
      SELECT (SELECT count(*)::int FROM job_attempt WHERE job_id = job.id) AS looks,
             extract(epoch FROM run_at - now())::double precision AS seconds
      FROM job WHERE id = ${jobId} AND state = 'scheduled'`.execute(opened.database.queryable);
    return found.rows[0];
  };
  /** Lets it look now, as if it had been in line for so long. */
  const lookAfter = async (jobId: string, waited: string): Promise<void> => {
    const { queryable } = opened.database;
    await sql`UPDATE job SET created_at = now() - ${waited}::interval WHERE parent_id = ${jobId}`.execute(
      queryable,
    );
    await sql`UPDATE job SET run_at = now() WHERE id = ${jobId} AND state = 'scheduled'`.execute(queryable);
  };

  it("looks after as long as it has waited, two minutes at most, and tells nothing twice", async () => {
    const { id, jobId } = await accept();
    await expect.poll(async () => (await looksOf(jobId))?.looks, { timeout: 30_000 }).toBe(1);
    const first = await looksOf(jobId);
    const { updated_at: updatedAt } = await documents.get(localAccess, id);

    await lookAfter(jobId, "40 seconds");
    await expect.poll(async () => (await looksOf(jobId))?.looks, { timeout: 30_000 }).toBe(2);
    const second = await looksOf(jobId);
    await lookAfter(jobId, "3 hours");
    await expect.poll(async () => (await looksOf(jobId))?.looks, { timeout: 30_000 }).toBe(3);
    const third = await looksOf(jobId);

    expect([first, second, third].map((look) => Math.round((look?.seconds ?? 0) / 10))).toEqual([0, 4, 12]);
    const { events } = await queue.feed.read(`document:${id}`, 0, 100);
    const told = events.filter(({ data }) => String(data["message"]).startsWith("Recognised"));
    expect(told.map(({ type, data }) => [type, data["done"]])).toEqual([["document.progressed", 0]]);
    expect((await documents.get(localAccess, id)).updated_at).toBe(updatedAt);
  });
});
