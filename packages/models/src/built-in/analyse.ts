import { keyPoints } from "./parts/key-points.ts";
import { rankUsable } from "./parts/rank-usable.ts";
import { sentiment } from "./parts/sentiment.ts";
import { summarise } from "./parts/summary.ts";
import { topics } from "./parts/topics.ts";
import { prepareText } from "./reading/prepare.ts";
import type { PreparedText } from "./reading/prepared-text.ts";
import type { RankedText } from "./parts/rank-usable.ts";
import type { BuiltInOperation } from "./operations.ts";

export type AnalysisRequest = {
  readonly operation: BuiltInOperation;
  readonly text: string;
  readonly title: string | null;
  readonly language: string | null;
};

type ReadText = { readonly key: AnalysisRequest; readonly prepared: PreparedText; ranked?: RankedText };

// The four parts of one document follow each other: the last text read serves them all.
let latest: ReadText | undefined;

/** Does one part of the analysis of a text. Deterministic; takes words out of the text, writes none. */
export function analyse(request: AnalysisRequest): unknown {
  const read = readOnce(request);
  switch (request.operation) {
    case "summary":
      return summarise(read.prepared, rankOnce(read));
    case "key_points":
      return keyPoints(read.prepared, rankOnce(read));
    case "sentiment":
      return sentiment(read.prepared);
    case "topics":
      return topics(read.prepared);
  }
}

function readOnce(request: AnalysisRequest): ReadText {
  const isSame =
    latest !== undefined &&
    latest.key.text === request.text &&
    latest.key.title === request.title &&
    latest.key.language === request.language;
  if (!isSame || latest === undefined) {
    latest = { key: request, prepared: prepareText(request.text, request.title, request.language) };
  }
  return latest;
}

function rankOnce(read: ReadText): RankedText {
  read.ranked ??= rankUsable(read.prepared);
  return read.ranked;
}
