import type { Analysis, PartName } from "@millrace/contracts";

/** A part's result as plain text with Markdown lists; undefined while there is none. */
export function resultOf(part: PartName, analysis: Analysis): string | undefined {
  switch (part) {
    case "summary":
      return analysis.summary.result?.text;
    case "key_points":
      return analysis.key_points.result?.points.map((point) => `- ${point}`).join("\n");
    case "sentiment": {
      const result = analysis.sentiment.result;
      if (result === null) return undefined;
      return [
        `${result.label} (${result.score.toFixed(2)})`,
        ...result.evidence.map((text) => `> ${text}`),
      ].join("\n\n");
    }
    case "topics":
      return analysis.topics.result?.topics.join(", ");
  }
}
