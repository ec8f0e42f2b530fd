import type { PartName } from "@millrace/contracts";
import { isMillraceError } from "@millrace/kernel";
import {
  addUsage,
  estimateTokens,
  groupByRoom,
  roomOf,
  runLimited,
  splitByStructure,
} from "@millrace/models";
import type { TextRoom, Usage } from "@millrace/models";
import { askStep, noUsage, shareSteps } from "./analysis-steps.ts";
import type { AnalysisRequest, Recorded } from "./analysis-steps.ts";
import { CombinedAnalysis } from "./combined-analysis.ts";
import { analysisErrors } from "./errors.ts";
import type { Weighed } from "./merge-results.ts";
import { partPlans } from "./part-plans.ts";
import type { PartPlan, PartResults } from "./part-plans.ts";
import { analysisInstructions, mergeInstructions } from "./prompts.ts";
import type { Instructions } from "./prompts.ts";
import { StepCounter } from "./step-counter.ts";
import type { StepProgress } from "./step-counter.ts";

export type PartOutcome<Part extends PartName> = {
  readonly result: PartResults[Part];
  /** The models that made it; after a fallback more than one. */
  readonly model: string;
  /** Taken from the text by the built-in model, not written. */
  readonly extractive: boolean;
  readonly usage: Usage;
  /** Names and versions of the prompts it was made by; none for the built-in model. */
  readonly prompts: readonly string[];
  /** The share of the text it is about, 0 to 1: stretches that a model could do nothing with are left out. */
  readonly coverage: number;
};

/** The analysis of one document, of which each part is made for itself. */
export type Analysis = {
  /**
   * Makes one part. A text that fits the model is one step; a longer one is split by its structure, every
   * stretch is a step, and their results are merged level by level. Nothing is cut off. Parts of one model
   * share their calls. `onProgress` is told after every finished step; merging may add steps to the total.
   * Throws the model's errors; `isPartUnavailable` tells those that say the part can't be made.
   */
  readonly make: <Part extends PartName>(
    part: Part,
    onProgress?: (progress: StepProgress) => void,
  ) => Promise<PartOutcome<Part>>;
};

export function createAnalysis(given: AnalysisRequest): Analysis {
  const request = { ...given, step: shareSteps(given.step) };
  const combined = new CombinedAnalysis(request, roomOf(request.models.chatFor("document.analysis")));
  return {
    make: async (part, onProgress) => {
      if (request.text.trim() === "") throw analysisErrors.textEmpty();
      const room = roomOf(request.models.chatFor(`document.${part}`, request.model));
      const counter = new StepCounter(onProgress);
      return await make({ request, part, plan: partPlans[part], room, counter, combined });
    },
  };
}

/** Whether an error says that a part can't be made of this text by this model: not a failure. */
export function isPartUnavailable(error: unknown): boolean {
  return isMillraceError(error) && error.kind === "unsupported";
}

type Run<Result> = {
  readonly request: AnalysisRequest;
  readonly part: PartName;
  readonly plan: PartPlan<Result>;
  readonly room: TextRoom;
  readonly counter: StepCounter;
  readonly combined: CombinedAnalysis;
};

/** What was made of a text or some of its stretches. */
type Made<Result> = {
  readonly result: Result;
  readonly recorded: ReadonlyArray<Recorded<Result>>;
  readonly coverage: number;
};

// Enough to hide the latency of a server, few enough for a local one with a single lane.
const concurrency = 3;

async function make<Part extends PartName>(run: Run<PartResults[Part]>): Promise<PartOutcome<Part>> {
  const isShort = estimateTokens(run.request.text) <= run.room.textTokens;
  const { result, recorded, coverage } = await (isShort ? analyseWhole(run) : analyseLong(run));
  return {
    result,
    coverage,
    model: [...new Set(recorded.map(({ model }) => model))].join(", "),
    extractive: recorded.some(({ builtIn }) => builtIn),
    usage: recorded.map(({ usage }) => usage).reduce(addUsage, noUsage),
    prompts: [...new Set(recorded.flatMap(({ prompt }) => prompt ?? []))],
  };
}

async function analyseWhole<Result>(run: Run<Result>): Promise<Made<Result>> {
  run.counter.expect(1);
  const { text, signal } = run.request;
  const recorded = await readText(run, { text, isStretch: false, signal });
  return { result: recorded.result, recorded: [recorded], coverage: 1 };
}

async function analyseLong<Result>(run: Run<Result>): Promise<Made<Result>> {
  const { request, room } = run;
  const stretches = splitByStructure(request.text, room.stretch)
    // White space alone has nothing to say.
    .filter((stretch) => stretch.text.trim() !== "");
  run.counter.expect(stretches.length);
  const mapped = await runLimited(
    stretches,
    { concurrency, signal: request.signal },
    async ({ text }, _index, signal) => ({
      outcome: await readText(run, { text, isStretch: true, signal }).catch(refusalOf),
      weight: text.length,
    }),
  );
  return await reduce(run, mapped);
}

type Reading = { readonly text: string; readonly isStretch: boolean; readonly signal: AbortSignal };

/** A part's result for a text: out of the answer to all parts, else by a call of its own. */
async function readText<Result>(
  { request, part, plan, room, counter, combined }: Run<Result>,
  { text, isStretch, signal }: Reading,
): Promise<Recorded<Result>> {
  const found = await combined.read(part, plan.schema, { text, isStretch });
  const recorded =
    found ??
    (await askStep(
      request,
      {
        what: part,
        instructions: analysisInstructions(part, request, isStretch),
        text,
        schema: plan.schema,
        builtInOperation: part,
        answerTokens: room.answerTokens,
      },
      signal,
    ));
  counter.finish();
  return recorded;
}

/** One stretch of code or tables does not make a part unavailable while others have sentences. */
function refusalOf(error: unknown): { readonly refusal: unknown } {
  if (isPartUnavailable(error)) return { refusal: error };
  throw error;
}

type Mapped<Result> = {
  readonly outcome: Recorded<Result> | { readonly refusal: unknown };
  readonly weight: number;
};

async function reduce<Result>(
  run: Run<Result>,
  mapped: ReadonlyArray<Mapped<Result>>,
): Promise<Made<Result>> {
  const { request, part, plan, room } = run;
  const kept = withoutRefusals(mapped);
  const weightOf = (items: ReadonlyArray<{ readonly weight: number }>) =>
    items.reduce((sum, { weight }) => sum + weight, 0);
  const coverage = weightOf(kept) / Math.max(1, weightOf(mapped));
  const recorded: Array<Recorded<Result>> = [...kept];
  const isExtractive = kept.every(({ builtIn }) => builtIn);
  const counted = kept.length > 1 ? plan.mergeByCounting(kept, isExtractive) : undefined;
  if (counted !== undefined) return { result: counted, recorded, coverage };

  let results: readonly Result[] = kept.map(({ result }) => result);
  while (results.length > 1) {
    // Sentiments are always counted: what is left is merged by a model.
    if (part === "sentiment") throw new Error("sentiments are merged by counting");
    const instructions = mergeInstructions(part, request);
    const groups = groupByRoom(results, (result) => plan.asText([result]), room);
    run.counter.expect(groups.filter((group) => group.length > 1).length);
    results = await runLimited(
      groups,
      { concurrency, signal: request.signal },
      async (group, _index, signal) => {
        const [only] = group;
        if (group.length === 1 && only !== undefined) return only;
        const merged = await mergeGroup(run, { group, instructions, signal });
        recorded.push(merged);
        return merged.result;
      },
    );
  }
  const [result] = results;
  // An empty mapping has been refused before; this only tells the compiler.
  if (result === undefined) throw analysisErrors.textEmpty();
  return { result, recorded, coverage };
}

function withoutRefusals<Result>(
  mapped: ReadonlyArray<Mapped<Result>>,
): Array<Recorded<Result> & Weighed<Result>> {
  const kept = mapped.flatMap(({ outcome, weight }) =>
    "refusal" in outcome ? [] : [{ ...outcome, weight }],
  );
  const [first] = mapped;
  if (kept.length === 0 && first !== undefined && "refusal" in first.outcome) throw first.outcome.refusal;
  return kept;
}

async function mergeGroup<Result>(
  { request, part, plan, room, counter }: Run<Result>,
  work: {
    readonly group: readonly Result[];
    readonly instructions: Instructions;
    readonly signal: AbortSignal;
  },
): Promise<Recorded<Result>> {
  const merged = await askStep(
    request,
    {
      what: part,
      isMerge: true,
      instructions: work.instructions,
      text: plan.asText(work.group),
      schema: plan.schema,
      builtInOperation: part,
      answerTokens: room.answerTokens,
    },
    work.signal,
  );
  counter.finish();
  return merged;
}
