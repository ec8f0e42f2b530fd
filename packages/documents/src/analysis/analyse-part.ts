import type { PartName } from "@millrace/contracts";
import { isMillraceError } from "@millrace/kernel";
import { addUsage, estimateTokens, splitByTokens } from "@millrace/models";
import type { Models, Usage } from "@millrace/models";
import { analysisErrors } from "./errors.ts";
import type { Weighed } from "./merge-results.ts";
import { partPlans } from "./part-plans.ts";
import type { PartPlan, PartResults } from "./part-plans.ts";
import { analysisInstructions, mergeInstructions } from "./prompts.ts";
import { runLimited } from "./run-limited.ts";
import { StepCounter } from "./step-counter.ts";
import type { StepProgress } from "./step-counter.ts";
import { groupByRoom, roomOf } from "./text-room.ts";
import type { TextRoom } from "./text-room.ts";

/**
 * Runs durable steps: a step whose result is recorded gives that JSON value back without running. The
 * signal it passes on ends with the job's attempt.
 */
export type StepRunner = <T>(key: string, run: (signal: AbortSignal) => Promise<T>) => Promise<T>;

export type PartRequest<Part extends PartName> = {
  readonly part: Part;
  readonly text: string;
  readonly title: string | null;
  /** ISO 639-1, or null when unknown. */
  readonly language: string | null;
  readonly models: Models;
  readonly step: StepRunner;
  readonly signal: AbortSignal;
  /** Told after every finished step. Merging may add steps to the total later. */
  readonly onProgress?: (progress: StepProgress) => void;
  /** The job's id, for the log of a model server of one's own. */
  readonly jobId?: string;
};

export type PartOutcome<Part extends PartName> = {
  readonly result: PartResults[Part];
  readonly model: string;
  /** Taken from the text by the built-in model, not written. */
  readonly extractive: boolean;
  readonly usage: Usage;
};

/** A step's recorded value: JSON, so that it survives the attempt. */
type Recorded<Result> = {
  readonly result: Result;
  readonly usage: Usage;
  /** Which characters of the document it is about: `start-end`. */
  readonly range?: string;
};

type Run<Result> = {
  readonly request: PartRequest<PartName>;
  readonly plan: PartPlan<Result>;
  readonly room: TextRoom;
  readonly counter: StepCounter;
};

// Enough to hide the latency of a server, few enough for a local one with a single lane.
const concurrency = 3;

/**
 * Makes one part of a document's analysis. A text that fits the model is one step; a longer one is
 * split, every stretch is a step, and their results are merged level by level. Nothing is cut off.
 * Throws the model's errors; `isPartUnavailable` tells those that say the part can't be made.
 */
export async function analysePart<Part extends PartName>(
  request: PartRequest<Part>,
): Promise<PartOutcome<Part>> {
  const { part, text, models } = request;
  if (text.trim() === "") throw analysisErrors.textEmpty();
  const run: Run<PartResults[Part]> = {
    request,
    plan: partPlans[part],
    room: roomOf(models),
    counter: new StepCounter(request.onProgress),
  };
  const isShort = estimateTokens(text) <= run.room.textTokens;
  const { result, usage } = await (isShort ? analyseWhole(run) : analyseLong(run));
  return { result, usage, model: models.chat.name, extractive: models.chat.builtIn };
}

/** Whether an error says that a part can't be made of this text by this model: not a failure. */
export function isPartUnavailable(error: unknown): boolean {
  return isMillraceError(error) && error.kind === "unsupported";
}

function analyseWhole<Result>(run: Run<Result>): Promise<Recorded<Result>> {
  const { request } = run;
  run.counter.expect(1);
  const instructions = analysisInstructions(request.part, request);
  return generateStep(run, { key: "whole", instructions, text: request.text, signal: request.signal });
}

async function analyseLong<Result>(run: Run<Result>): Promise<Recorded<Result>> {
  const { request, room } = run;
  const stretches = splitByTokens(request.text, { maxTokens: room.textTokens })
    // White space alone has nothing to say.
    .filter((stretch) => stretch.text.trim() !== "");
  run.counter.expect(stretches.length);
  const mapped = await runLimited(
    stretches,
    { concurrency, signal: request.signal },
    async (stretch, index, signal) => {
      const instructions = analysisInstructions(request.part, request, { index, count: stretches.length });
      const range = `${stretch.start}-${stretch.end}`;
      const step = { key: `map/${index}`, instructions, text: stretch.text, signal, range };
      const outcome = await mapStretch(run, step).catch(refusalOf);
      return { outcome, weight: stretch.text.length };
    },
  );
  return reduce(run, withoutRefusals(mapped));
}

/**
 * A retry under another CHAT_CONTEXT_TOKENS cuts the text elsewhere: what was recorded for other
 * characters must not stand for these, or text would be left out silently.
 */
async function mapStretch<Result>(
  run: Run<Result>,
  step: GenerateStep & { readonly range: string },
): Promise<Recorded<Result>> {
  const recorded = await generateStep(run, step);
  if (recorded.range === step.range) return recorded;
  run.counter.expect(1);
  return generateStep(run, { ...step, key: `${step.key}/${step.range}` });
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

async function reduce<Result>(
  run: Run<Result>,
  mapped: ReadonlyArray<Recorded<Result> & Weighed<Result>>,
): Promise<Recorded<Result>> {
  const { request, plan, room } = run;
  let usage = mapped.map((recorded) => recorded.usage).reduce(addUsage);
  const counted = mapped.length > 1 ? plan.mergeByCounting(mapped, request.models.chat.builtIn) : undefined;
  if (counted !== undefined) return { result: counted, usage };

  let results: readonly Result[] = mapped.map(({ result }) => result);
  for (let level = 0; results.length > 1; level += 1) {
    const groups = groupByRoom(results, (result) => plan.asText([result]), room);
    run.counter.expect(groups.filter((group) => group.length > 1).length);
    const merged = await runLimited(groups, { concurrency, signal: request.signal }, (group, index, signal) =>
      mergeGroup(run, { group, key: `reduce/${level}/${index}`, signal }),
    );
    usage = merged.map((recorded) => recorded.usage).reduce(addUsage, usage);
    results = merged.map(({ result }) => result);
  }
  const [result] = results;
  // An empty mapping has been refused before; this only tells the compiler.
  if (result === undefined) throw analysisErrors.textEmpty();
  return { result, usage };
}

function mergeGroup<Result>(
  run: Run<Result>,
  work: { readonly group: readonly Result[]; readonly key: string; readonly signal: AbortSignal },
): Promise<Recorded<Result>> {
  const { request, plan } = run;
  const [only] = work.group;
  if (work.group.length === 1 && only !== undefined) return Promise.resolve({ result: only, usage: noUsage });
  const instructions = mergeInstructions(request.part, request);
  return generateStep(run, {
    key: work.key,
    instructions,
    text: plan.asText(work.group),
    signal: work.signal,
  });
}

const noUsage: Usage = { inputTokens: 0, outputTokens: 0 };

type GenerateStep = {
  readonly key: string;
  readonly instructions: string;
  readonly text: string;
  readonly signal: AbortSignal;
  readonly range?: string;
};

/** One model call as a durable step. */
async function generateStep<Result>(run: Run<Result>, work: GenerateStep): Promise<Recorded<Result>> {
  const { request, plan, room } = run;
  const key = `${request.part}/${work.key}`;
  const recorded = await request.step(key, async (stepSignal) => {
    const { value, usage } = await request.models.generateObject({
      purpose: `document.${request.part}`,
      instructions: work.instructions,
      text: work.text,
      schema: plan.schema,
      schemaName: request.part,
      builtInOperation: request.part,
      textFacts: { title: request.title, language: request.language },
      trace: { step: key, ...(request.jobId === undefined ? {} : { job: request.jobId }) },
      signal: AbortSignal.any([stepSignal, work.signal]),
      ...(room.answerTokens === undefined ? {} : { maxOutputTokens: room.answerTokens }),
    });
    return { result: value, usage, ...(work.range === undefined ? {} : { range: work.range }) };
  });
  run.counter.finish();
  return recorded;
}
