import { localAccess, newId, parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { addChunks, beginSource, chunkText } from "@millrace/search";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPassages, retrievePassages } from "../src/index.ts";

const words = (text: string) => ({ words: text, phrases: [], excluded: [], fields: [] });

describe.each(testDatabases())("passages for a question, on $name", (kind) => {
  let opened: TestDatabase;
  let models: Models;
  const stranger = newId();
  const findTitles = async (_workspace: string, ids: readonly string[]) =>
    new Map(ids.map((id) => [id, "A text"]));

  beforeAll(async () => {
    opened = await kind.open();
    models = createModels({ settings: parseSettings(modelSettingsSchema, {}), logger: silentLogger });
    await sql`INSERT INTO workspace (id, name) VALUES (${stranger}, 'stranger')`.execute(
      opened.database.queryable,
    );
    await add(localAccess.workspaceId, "The mill grinds rye.");
    await add(stranger, "The mill of a stranger grinds rye.");
  });
  afterAll(async () => {
    await models.stop();
    await opened.close();
  });

  async function add(workspaceId: string, text: string): Promise<void> {
    const chunks = await chunkText(text, []);
    const source = { id: newId(), workspaceId, language: "en", chunkCount: chunks.length };
    await opened.database.transaction(async (transaction) => {
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
    });
  }

  const asked = (embed: Pick<Models, "embed" | "embedding"> = models) =>
    retrievePassages(
      { database: opened.database, models: embed },
      {
        workspaceId: localAccess.workspaceId,
        query: words("What does the mill grind?"),
        limit: 5,
        purpose: "ask.question",
        origin: { owner: null },
        signal: new AbortController().signal,
      },
    );

  it("are the owner's, and so are their texts", async () => {
    const { passages, withoutVectors, embedding } = await asked();
    const { database } = opened;
    const read = await readPassages({ database, findTitles }, localAccess.workspaceId, passages);

    expect(read.map(({ text, title }) => [text, title])).toEqual([["The mill grinds rye.", "A text"]]);
    expect([withoutVectors, embedding]).toEqual([null, undefined]);
    expect(await readPassages({ database, findTitles }, stranger, passages)).toEqual([]);
  });

  it("are found by words alone while the embedding model is away, which is told", async () => {
    const away: Pick<Models, "embed" | "embedding"> = {
      embedding: models.embedding,
      embed: () => Promise.reject(new Error("away")),
    };

    const { passages, withoutVectors } = await asked(away);

    expect(passages).toHaveLength(1);
    expect(withoutVectors).toBe("internal_error");
  });
});
