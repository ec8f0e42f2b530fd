import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import { announceSpace, beginRun, nextToEmbed, pauseSpace } from "@millrace/search";
import type { EmbeddingSpace } from "@millrace/search";
import { startFakeModelServer, testDatabases } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { indexing } from "./index-documents.ts";

/** Passages of their own, for two requests of 64. */
const paragraphs = 75;
const longText = Array.from({ length: paragraphs }, (_value, at) => `Sluice ${at} ${"turns ".repeat(260)}`);

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

describe.each(testDatabases())("a document that comes while a space is filled, on $name", (kind) => {
  let database: Awaited<ReturnType<typeof kind.open>>["database"];
  let server: FakeModelServer;
  let building: EmbeddingSpace;
  let documents: ReturnType<typeof indexing>;

  beforeEach(async () => {
    const opened = await kind.open();
    endings.push(opened.close);
    ({ database } = opened);
    server = await startFakeModelServer({ port: 0 });
    endings.push(() => server.stop());
    const settings = { EMBEDDING_URL: server.url, EMBEDDING_MODEL: "paid" };
    const models = createModels({
      settings: parseSettings(modelSettingsSchema, settings),
      logger: silentLogger,
    });
    endings.push(() => models.stop());
    documents = indexing(database, models);
    // The built-in space answers; that of the paid model, once there are passages, is filled.
    await announceSpace(database, { model: "builtin:hashed-1", isBuiltIn: true });
    const { name: model, builtIn: isBuiltIn } = models.embedding;
    await documents.index(await documents.accept("The first."));
    building = await announceSpace(database, { model, isBuiltIn });
    expect(building.status).toBe("building");
  });

  /** Passages that the job of the space has to embed. */
  const toEmbed = async () =>
    (await nextToEmbed(database.queryable, building.id, { limit: 1000 })).passages.length;

  it("waits for a paused space, and is embedded when that goes on", async () => {
    await pauseSpace(database, building.id, true);

    await documents.index(await documents.accept("The sluice is paused."));

    expect(server.calls).toHaveLength(0);
    await pauseSpace(database, building.id, false);
    await beginRun(database.queryable, building.id);
    expect(await toEmbed()).toBe(2);
  });

  it("asks nothing more of a model after the batch in flight, when its space is paused", async () => {
    server.setScript(() => ({ kind: "hold", barrier: "embedding" }));
    const indexed = documents.index(await documents.accept(longText.join("\n\n")));
    await expect.poll(() => server.calls.length).toBe(1);

    await pauseSpace(database, building.id, true);
    server.release("embedding");
    await indexed;

    expect(server.calls).toHaveLength(1);
    expect(await toEmbed()).toBe(1 + paragraphs - 64);
  });
});
