import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cases } from "./cases.ts";
import { heldOutCases } from "./held-out-cases.ts";
import { leastSeparation, recordedHeldOutScores, recordedScores } from "./recorded-scores.ts";
import { loweredScores, scoreCases, separationOfDuplicates } from "./score.ts";

// Some hundred questions to one thread: seconds, and many on a busy machine.
const patienceMs = 180_000;

let models: Models;

beforeAll(() => {
  models = createModels({ settings: parseSettings(modelSettingsSchema, {}), logger: silentLogger });
});

afterAll(() => models.stop());

describe("the built-in model on the evaluation set", () => {
  it(
    "gives no score below the recorded one",
    async () => {
      const { scores } = await scoreCases(models, cases);

      expect(loweredScores(scores, recordedScores)).toEqual([]);
    },
    patienceMs,
  );

  it(
    "gives no score below the recorded one on texts that nothing was tuned on",
    async () => {
      const { scores } = await scoreCases(models, heldOutCases);

      expect(loweredScores(scores, recordedHeldOutScores)).toEqual([]);
    },
    patienceMs,
  );

  it("keeps near duplicates apart from other texts", async () => {
    const { near, other } = await separationOfDuplicates(models);

    expect(near - other).toBeGreaterThanOrEqual(leastSeparation);
  });

  it("would notice a lower score", () => {
    const lower = { ...recordedScores, summary: recordedScores.summary - 0.1 };

    expect(loweredScores(lower, recordedScores)).toEqual([expect.stringContaining("summary")]);
  });
});
