import { createHash } from "node:crypto";
import { isMillraceError } from "@millrace/kernel";
import { estimateTokens, runLimited, splitByStructure } from "@millrace/models";
import type { TextRoom } from "@millrace/models";
import { notCondensed } from "../errors.ts";

// Enough to hide the latency of a server, few enough for a local one with a single lane.
const concurrency = 3;
// A level that saves less than this would go on nearly for ever.
const mostLeft = 0.8;

/** Summarises one stretch, as a step whose key ends with this hash of the stretch. */
export type Summarise = (
  stretch: string,
  hash: string,
  signal: AbortSignal,
) => Promise<{ readonly text: string }>;

export type Condensed = {
  readonly text: string;
  readonly isCondensed: boolean;
  /** The share of the text that it is about: stretches that a model could do nothing with are left out. */
  readonly coverage: number;
};

/**
 * Brings a text to the room that a model has, level by level: cut by its structure, each stretch summarised, the
 * summaries joined. The key of a stretch is what it says, not its place: one that comes twice is asked about once.
 * Throws `summary_not_shorter` when that does not help, and what summarising throws.
 */
export async function condense(
  text: string,
  room: TextRoom,
  options: {
    readonly summarise: Summarise;
    readonly signal: AbortSignal;
    readonly onProgress: (done: number, total: number) => void;
  },
): Promise<Condensed> {
  let current: Condensed = { text, isCondensed: false, coverage: 1 };
  for (;;) {
    const tokens = estimateTokens(current.text);
    if (tokens <= room.textTokens) return current;
    const next = await condenseOnce(current.text, room, options);
    if (estimateTokens(next.text) > tokens * mostLeft) throw notCondensed();
    current = { ...next, coverage: current.coverage * next.coverage };
  }
}

async function condenseOnce(
  text: string,
  room: TextRoom,
  { summarise, signal, onProgress }: Parameters<typeof condense>[2],
): Promise<Condensed> {
  const stretches = splitByStructure(text, room.stretch)
    .map((stretch) => stretch.text)
    // White space alone has nothing to say.
    .filter((stretch) => stretch.trim() !== "");
  const unique = [...new Set(stretches)];
  let done = 0;
  const results = await runLimited(unique, { concurrency, signal }, async (stretch, _index, own) => {
    const summary = await summarise(stretch, hashOf(stretch), own).catch(refusalOf);
    done += 1;
    onProgress(done, unique.length);
    return [stretch, summary] as const;
  });
  const byStretch = new Map(results);
  const kept = stretches.flatMap((stretch) => {
    const summary = byStretch.get(stretch);
    return summary === undefined || "refusal" in summary ? [] : [{ stretch, summary: summary.text }];
  });
  const [first] = byStretch.values();
  if (kept.length === 0 && first !== undefined && "refusal" in first) throw first.refusal;
  const lengthOf = (texts: readonly string[]) => texts.reduce((sum, { length }) => sum + length, 0);
  return {
    text: kept.map(({ summary }) => summary).join("\n\n"),
    isCondensed: true,
    coverage: lengthOf(kept.map(({ stretch }) => stretch)) / Math.max(1, lengthOf(stretches)),
  };
}

/** One stretch of code or tables does not keep the others from being summarised. */
function refusalOf(error: unknown): { readonly refusal: unknown } {
  if (isMillraceError(error) && error.kind === "unsupported") return { refusal: error };
  throw error;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
