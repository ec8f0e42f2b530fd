import { describe, expect, it } from "vitest";
import { testJob } from "../../test/sample-job.ts";
import { progressWords } from "./job-progress.tsx";

const { progress } = testJob();

describe("progressWords", () => {
  it("says only what is known", () => {
    expect(progressWords(progress)).toEqual(["0 %"]);
  });

  it("counts in the job's own unit and says how long it will take", () => {
    const words = progressWords({
      ...progress,
      percent: 61.7,
      done: 29,
      total: 41,
      unit: "pages",
      stage: "text_extraction",
      eta_seconds: 21,
    });

    expect(words).toEqual(["62 %", "29 of 41 pages", "text extraction", "~20 s left"]);
  });

  it("prefers what the job says to the name of its stage", () => {
    expect(progressWords({ ...progress, stage: "indexing", message: "Writing the index" })).toEqual([
      "0 %",
      "Writing the index",
    ]);
  });
});
