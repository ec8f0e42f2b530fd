import { describe, expect, it } from "vitest";
import { mergeSentiments, mergeTopics } from "./merge-results.ts";

const happy = { label: "positive", score: 0.6, evidence: ["It is lovely."] } as const;
const angry = { label: "negative", score: -0.6, evidence: ["It is awful."] } as const;
const plain = { label: "neutral", score: 0, evidence: [] } as const;

function weighed(...stretches: ReadonlyArray<readonly [typeof happy | typeof angry | typeof plain, number]>) {
  return stretches.map(([result, weight]) => ({
    result: { ...result, evidence: [...result.evidence] },
    weight,
  }));
}

describe("merging sentiments", () => {
  it("weighs stretches by their length", () => {
    expect(mergeSentiments(weighed([happy, 900], [plain, 100]))).toEqual({
      label: "positive",
      score: 0.54,
      evidence: ["It is lovely."],
    });
  });

  it("calls good and bad stretches together mixed, with both as evidence", () => {
    expect(mergeSentiments(weighed([happy, 500], [angry, 500]))).toEqual({
      label: "mixed",
      score: 0,
      evidence: ["It is lovely.", "It is awful."],
    });
  });

  it("stays neutral over one short outburst", () => {
    expect(mergeSentiments(weighed([plain, 950], [angry, 50])).label).toBe("neutral");
  });
});

describe("merging topics", () => {
  it("puts first what most stretches name, and the same topic once", () => {
    const merged = mergeTopics([
      { topics: ["Redis", "queues"] },
      { topics: ["Queues", "leases"] },
      { topics: ["queues"] },
    ]);

    expect(merged.topics).toEqual(["queues", "Redis", "leases"]);
  });

  it("gives at most eight", () => {
    const topics = Array.from({ length: 20 }, (_unused, index) => `topic ${index}`);

    expect(mergeTopics([{ topics }]).topics).toEqual(topics.slice(0, 8));
  });
});
