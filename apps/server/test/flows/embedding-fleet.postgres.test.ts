import {
  acceptedDocumentSchema,
  embeddingSpaceSchema,
  pageSchema,
  searchResultSchema,
} from "@millrace/contracts";
import type { EmbeddingSpace, SearchResult } from "@millrace/contracts";
import { startFakeModelServer, waitFor } from "@millrace/testing";
import type { FakeModelServer, RunningMillrace } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { z } from "zod";
import { Fleet } from "./fleet.ts";

const former = "openai-compatible:former";
const latter = "openai-compatible:latter";

/** An API process and workers of two settings side by side, as while a new version is rolled out. */
let fleet: Fleet;
let models: FakeModelServer;
let api: RunningMillrace;

beforeAll(async () => {
  fleet = await Fleet.open({});
  models = await startFakeModelServer({ port: 0 });
  api = await start(["api"], "former");
});
afterAll(async () => {
  await fleet.close();
  await models.stop();
});

const start = (words: readonly string[], model: string): Promise<RunningMillrace> =>
  fleet.start(words, { EMBEDDING_URL: models.url, EMBEDDING_MODEL: model });

async function get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  return schema.parse(await (await fetch(api.url + path)).json());
}
const activeModel = async (): Promise<string | undefined> => {
  const spaces: readonly EmbeddingSpace[] = (
    await get("/api/search/spaces", pageSchema(embeddingSpaceSchema))
  ).data;
  return spaces.find(({ status }) => status === "active")?.model;
};
const search = (q: string): Promise<SearchResult> => get(`/api/search?q=${q}`, searchResultSchema);
const searchedWith = async (q: string, model: string): Promise<SearchResult> =>
  await waitFor(
    async () => {
      const found = await search(q);
      return found.mode === "hybrid" && found.vectors.model === model && found.data.length > 0
        ? found
        : undefined;
    },
    { describe: `a search for ${q} by vectors of ${model}`, timeoutMs: 60_000, intervalMs: 200 },
  );

async function post(text: string): Promise<void> {
  const response = await fetch(`${api.url}/api/documents`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text, title: text.slice(0, 30) }),
  });
  acceptedDocumentSchema.parse(await response.json());
}

/** No passage lacks a vector in the space that answers; words are found before vectors are there. */
async function isEmbedded(): Promise<boolean> {
  const found = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM chunk WHERE NOT EXISTS (
      SELECT FROM chunk_embedding JOIN embedding_space ON embedding_space.id = space_id
      WHERE chunk_id = chunk.id AND status = 'active')`.execute(fleet.database.queryable);
  return found.rows[0]?.count === 0;
}

const embedded = { describe: "a vector of every passage", timeoutMs: 60_000 };

it("switches once while workers of the former model go on, and every passage is found", async () => {
  await start(["worker", "-n", "former@%h"], "former");
  await post("The sluice was opened before the flood.");
  await searchedWith("sluice", former);

  const newer = await start(["worker", "-n", "latter@%h"], "latter");
  await waitFor(async () => (await activeModel()) === latter, {
    describe: "the space of the newer setting to answer",
    timeoutMs: 60_000,
  });
  for (let at = 0; at < 10; at += 1) await post(`The weir number ${at} holds the water back.`);
  const found = await waitFor(
    async () => {
      const result = await search("weir");
      return result.data.length >= 10 && result.still_indexing === 0 ? result : undefined;
    },
    { describe: "all documents to be found", timeoutMs: 60_000, intervalMs: 200 },
  );

  // Whichever worker took a document, and whichever took the query, which the API of the former setting asked for.
  expect(found).toMatchObject({ mode: "hybrid", vectors: { model: latter, reason: null } });
  await waitFor(isEmbedded, embedded);

  await newer.kill9();
  await post("The miller closed the hatch for the night.");
  await searchedWith("hatch", latter);

  expect(await activeModel()).toBe(latter);
  await waitFor(isEmbedded, embedded);
}, 240_000);
