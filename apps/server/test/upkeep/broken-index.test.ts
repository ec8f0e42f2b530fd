import type { Database } from "@millrace/database";
import { newId, parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { Queue, runInline } from "@millrace/queue";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEmbeddingAnnouncer } from "../../src/search/announce-embedding.ts";
import { handleEmbedSpace } from "../../src/search/embed-space.ts";

/** A space whose approximate index was just found broken. */
const space = newId();
let database: Database;
let models: Models;

beforeAll(async () => {
  database = await openTestDatabase();
  models = createModels({ settings: parseSettings(modelSettingsSchema, {}), logger: silentLogger });
  await sql`
    INSERT INTO embedding_space (id, model, dimensions, is_built_in, status, index_broken_at)
    VALUES (${space}, ${models.embedding.name}, 256, true, 'active', now())`.execute(database.queryable);
});
afterAll(async () => {
  await models.stop();
  await database.close();
});

it("brings upkeep at once, and once only", async () => {
  const queue = new Queue({ database, logger: silentLogger, handlers: [] });
  const announcers = [0, 1].map(() =>
    createEmbeddingAnnouncer({ database, queue, models, logger: silentLogger }),
  );
  for (const announcer of announcers) await announcer.start();
  const isSeen = async () => {
    const seen = await sql`
      SELECT 1 FROM embedding_space WHERE seen_at > created_at`.execute(database.queryable);
    return seen.rows.length > 0;
  };
  await expect.poll(isSeen).toBe(true);
  // Each ends what it is at.
  for (const announcer of announcers) await announcer.stop();

  const jobs = await sql<{ task: string }>`SELECT task FROM job`.execute(database.queryable);
  expect(jobs.rows).toEqual([{ task: "upkeep.tend_search_indexes" }]);
});

it("puts off the job that fills the space", async () => {
  await expect(runInline(handleEmbedSpace({ database, models }), { space_id: space })).rejects.toMatchObject({
    ending: { kind: "snooze" },
  });
});
