import type { Behaviour, ModelCall } from "@millrace/testing";

const results = {
  summary: { text: "A mill stands by the river." },
  key_points: { points: ["The miller is content."] },
  sentiment: { label: "positive", score: 0.5, evidence: ["The miller is content with the year."] },
  topics: { topics: ["mill"] },
};

/** Behaves so when asked for this part alone, leaves it out when asked for all, and behaves well otherwise. */
export function whenAsked(
  part: keyof typeof results,
  behaviour: Behaviour,
): (call: ModelCall) => Behaviour | undefined {
  return ({ step, purpose }) => {
    if (step?.startsWith(`${part}/`) === true) return behaviour;
    if (purpose !== "document.analysis") return undefined;
    return { kind: "answer", content: JSON.stringify({ ...results, [part]: null }) };
  };
}
