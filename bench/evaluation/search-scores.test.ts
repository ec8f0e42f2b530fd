import { migrate, openEmbedded } from "@millrace/database";
import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import { expect, it } from "vitest";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import { cases } from "./cases.ts";
import { heldOutCases } from "./held-out-cases.ts";
import { recordedSearchScores } from "./recorded-search-scores.ts";
import { loweredSearchScores, scoreSearch } from "./score-search.ts";

// A database is made, and some sixty questions are asked three times: long on a busy machine.
const patienceMs = 180_000;

it(
  "finds the passages with the answers no worse than was recorded",
  async () => {
    const models = createModels({ settings: parseSettings(modelSettingsSchema, {}), logger: silentLogger });
    await withTemporaryFolder(async (folder) => {
      const database = await openEmbedded(folder);
      try {
        await migrate(database);

        const { scores } = await scoreSearch(database, models, [...cases, ...heldOutCases]);

        expect(loweredSearchScores(scores, recordedSearchScores)).toEqual([]);
      } finally {
        await database.close();
        await models.stop();
      }
    });
  },
  patienceMs,
);

it("would notice a lower score", () => {
  const hybrid = { ...recordedSearchScores.hybrid, MRR: recordedSearchScores.hybrid.MRR - 0.1 };

  expect(loweredSearchScores({ ...recordedSearchScores, hybrid }, recordedSearchScores)).toEqual([
    expect.stringContaining("hybrid, MRR"),
  ]);
});
