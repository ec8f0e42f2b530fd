import { describe, expect, it } from "vitest";
import { scoreRetrieval } from "./retrieval-scores.ts";

const question = (found: string[], ...relevant: string[]) => ({ found, relevant: new Set(relevant) });

describe("scoreRetrieval", () => {
  it("gives 1 throughout when everything relevant leads", () => {
    const scores = scoreRetrieval([question(["a", "b", "x"], "a", "b")]);

    expect(scores).toMatchObject({ reciprocalRank: 1, ndcgAt10: 1 });
    expect(scores.recallAt).toEqual({ 1: 0.5, 3: 1, 5: 1, 10: 1 });
  });

  it("gives 0 throughout when nothing relevant was found", () => {
    const scores = scoreRetrieval([question(["x"], "a"), question([], "a")]);

    expect(scores).toEqual({ recallAt: { 1: 0, 3: 0, 5: 0, 10: 0 }, reciprocalRank: 0, ndcgAt10: 0 });
  });

  it("counts later places less", () => {
    const { reciprocalRank, ndcgAt10 } = scoreRetrieval([question(["x", "y", "a"], "a")]);

    expect(reciprocalRank).toBeCloseTo(1 / 3);
    expect(ndcgAt10).toBeCloseTo(0.5);
  });

  it("counts a document once that was found by several passages", () => {
    expect(scoreRetrieval([question(["x", "x", "a"], "a")]).reciprocalRank).toBe(0.5);
  });

  it("takes the mean of the questions", () => {
    expect(scoreRetrieval([question(["a"], "a"), question(["x"], "a")]).reciprocalRank).toBe(0.5);
  });
});
