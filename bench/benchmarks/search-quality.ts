import { migrate, openEmbedded } from "@millrace/database";
import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import { cases } from "../evaluation/cases.ts";
import { heldOutCases } from "../evaluation/held-out-cases.ts";
import { recordedSearchScores } from "../evaluation/recorded-search-scores.ts";
import { scoreSearch, searchScoreNames, searchSides } from "../evaluation/score-search.ts";
import { FigureCollector } from "../measure/figure.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { Benchmark } from "./benchmark.ts";

/** Whether the passage with the answer is found, offline. The same at every run. */
export const searchQuality: Benchmark = {
  name: "search-quality",
  description:
    "The questions of the evaluation set that have an answer, asked of all its texts together, cut into passages of about 400 characters, with the built-in vectors in the embedded database: is the passage found in which the answer stands? By full text, by vectors alone, and by both. The floor is what was recorded.",
  run: async () => {
    const figures = new FigureCollector();
    const models = createModels({ settings: parseSettings(modelSettingsSchema, {}), logger: silentLogger });
    try {
      await withTemporaryFolder(async (folder) => {
        const database = await openEmbedded(folder);
        try {
          await migrate(database);
          const { questions, scores } = await scoreSearch(database, models, [...cases, ...heldOutCases]);
          figures.add("questions", "", questions);
          for (const side of searchSides) {
            for (const name of searchScoreNames) {
              const floor = recordedSearchScores[side][name] - 0.0005;
              figures.add(`${name}, ${side}`, "", scores[side][name], { aim: 1, floor });
            }
          }
        } finally {
          await database.close();
        }
      });
    } finally {
      await models.stop();
    }
    return figures.figures();
  },
};
