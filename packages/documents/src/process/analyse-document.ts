import type { PartName, PartState } from "@millrace/contracts";
import { databaseUnavailable, sqlFailure } from "@millrace/database";
import { errorCode, isMillraceError, putOffSeconds, toError } from "@millrace/kernel";
import type { JobContext } from "@millrace/queue";
import { createAnalysis, isPartUnavailable } from "../analysis/analyse-part.ts";
import { writtenTitle } from "../analysis/written-title.ts";
import type { Analysis } from "../analysis/analyse-part.ts";
import { analysisFailed } from "../errors.ts";
import { readParts } from "../read-documents.ts";
import { markPartsRunning, setPart } from "../write-documents.ts";
import type { PartChange } from "../write-documents.ts";
import { chargedSteps } from "./charged-steps.ts";
import { isMade, judgeParts } from "./judge-parts.ts";
import type { ProcessInput, ProcessOutput, ProcessParts } from "./process-task.ts";
import { readForProcessing, readStoredText } from "./read-for-processing.ts";
import type { ProcessedDocument } from "./read-for-processing.ts";

const firstPercent = 60;
const lastPercent = 90;

type PartEnd = { readonly part: PartName; readonly state: PartState; readonly retry?: Error };

/**
 * Makes the parts that are asked for and not there yet, all at once, each for itself: one that
 * fails leaves the others alone. When a failure may pass and tries are left, the rest is stored and
 * the error thrown, so that the next attempt makes only what is missing.
 */
export async function analyseDocument(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  document: ProcessedDocument,
): Promise<ProcessOutput["status"]> {
  context.progress({ percent: firstPercent, stage: "ai_analysis", message: "Analysing" });
  const rows = await readParts(parts.database.queryable, document.id);
  const open = rows.filter((row) => context.input.parts.includes(row.part) && !isMade(row.state));
  if (open.length > 0) {
    const fresh = (await readForProcessing(parts.database.queryable, document.id)) ?? document;
    const { text } = await readStoredText(parts.database.queryable, document.id);
    const names = open.map((row) => row.part);
    await startParts(context, document.id, names);
    const meter = createMeter(context, names);
    const analysis = createAnalysis({
      parts: context.input.parts,
      text,
      title: writtenTitle(fresh),
      language: fresh.language,
      models: parts.models,
      answers: context.input.answers,
      step: chargedSteps(context),
      signal: context.signal,
      origin: { owner: context.job.owner, job: context.job.id },
    });
    const settled = await Promise.allSettled(
      open.map(({ part, reason }) =>
        makePart({ parts, context, document: fresh, analysis, meter, lastReason: reason }, part),
      ),
    );
    // Only now: what the other parts made meanwhile is recorded.
    const ends = settled.map((end) => {
      if (end.status === "rejected") throw end.reason;
      return end.value;
    });
    const retries = ends.flatMap((end) => end.retry ?? []);
    // Failures first: only they use up tries, or nothing that fails would ever come to its end.
    const retry = retries.find((error) => putOffSeconds(error) === undefined) ?? retries[0];
    if (retry !== undefined) throw retry;
  }
  return await judge(parts, document.id);
}

/** All at once: the parts start together, and each transaction costs others their turn. */
async function startParts(
  context: JobContext<ProcessInput>,
  documentId: string,
  parts: readonly PartName[],
): Promise<void> {
  await context.transaction(async (scope) => {
    await markPartsRunning(scope.transaction, documentId, parts);
    for (const part of parts) scope.emit("document.part_changed", { part, state: "running", reason: null });
  });
}

async function judge(parts: ProcessParts, documentId: string): Promise<ProcessOutput["status"]> {
  const rows = await readParts(parts.database.queryable, documentId);
  const status = judgeParts(rows);
  if (status === "failed") throw analysisFailed(rows.find((row) => row.state === "failed")?.reason ?? "");
  return status;
}

type PartWork = {
  readonly parts: ProcessParts;
  readonly context: JobContext<ProcessInput>;
  readonly document: ProcessedDocument;
  readonly analysis: Analysis;
  readonly meter: Meter;
  /** Why it was not made in the attempt before. */
  readonly lastReason: string | null;
};

async function makePart(work: PartWork, part: PartName): Promise<PartEnd> {
  const { context, analysis, meter } = work;
  try {
    const outcome = await analysis.make(part, (progress) =>
      meter.report(part, progress.done / Math.max(1, progress.total)),
    );
    await changePart(work, part, {
      state: "done",
      result: { ...outcome.result, made_by: { prompts: outcome.prompts, coverage: outcome.coverage } },
      model: outcome.model,
      extractive: outcome.extractive,
      inputTokens: outcome.usage.inputTokens,
      outputTokens: outcome.usage.outputTokens,
    });
    context.log("info", `${partLabel(part)}: done by ${outcome.model}`);
    return { part, state: "done" };
  } catch (thrown) {
    // Stopped, no longer ours, or the database's trouble: not the part's failure.
    if (context.signal.aborted || errorCode(thrown) === "lease_lost" || isOfDatabase(thrown)) throw thrown;
    return await recordFailure(work, part, toError(thrown));
  } finally {
    meter.report(part, 1);
  }
}

function isOfDatabase(error: unknown): boolean {
  return sqlFailure(error) !== undefined || databaseUnavailable(error) !== undefined;
}

async function recordFailure(work: PartWork, part: PartName, error: Error): Promise<PartEnd> {
  const { context, parts } = work;
  const reason = isMillraceError(error)
    ? error.message
    : "An unexpected error happened. See the server's log.";
  const failure = { reason, errorCode: errorCode(error), model: modelIn(error) ?? chosenModel(parts, part) };
  if (isPartUnavailable(error)) {
    await changePart(work, part, { state: "unavailable", ...failure });
    context.log("info", `${partLabel(part)}: not available. ${reason}`);
    return { part, state: "unavailable" };
  }
  const mayPass = isMillraceError(error) && error.retryable;
  if (mayPass && (!context.isLastAttempt || putOffSeconds(error) !== undefined)) {
    await changePart(work, part, { state: "pending", reason, errorCode: failure.errorCode });
    // What a job waits for may take hours, and each look at it would say the same.
    if (reason !== work.lastReason) {
      context.log("warning", `${partLabel(part)}: ${reason} It will be tried again.`);
    }
    return { part, state: "pending", retry: error };
  }
  if (!isMillraceError(error))
    context.logger.error({ err: error, part }, "a part of an analysis failed unexpectedly");
  await changePart(work, part, { state: "failed", ...failure });
  context.log("error", `${partLabel(part)}: failed. ${reason}`);
  return { part, state: "failed" };
}

/** The one that failed, which may be another than the first that is asked. */
function modelIn(error: Error): string | undefined {
  const model = isMillraceError(error) ? error.details["model"] : undefined;
  return typeof model === "string" ? model : undefined;
}

function chosenModel({ models }: ProcessParts, part: PartName): string {
  return models.chatFor(`document.${part}`).name;
}

async function changePart(
  { context, document }: PartWork,
  part: PartName,
  change: PartChange,
): Promise<void> {
  await context.transaction(async (scope) => {
    await setPart(scope.transaction, document.id, part, change);
    scope.emit("document.part_changed", { part, state: change.state, reason: change.reason ?? null });
  });
}

function partLabel(part: PartName): string {
  return part === "key_points" ? "Key points" : `${part.charAt(0).toUpperCase()}${part.slice(1)}`;
}

type Meter = { readonly report: (part: PartName, share: number) => void };

/** Adds the parts' shares to one per cent figure and names what is still being made. */
function createMeter(context: JobContext<ProcessInput>, open: readonly PartName[]): Meter {
  const shares = new Map(open.map((part) => [part, 0]));
  return {
    report: (part, share) => {
      shares.set(part, Math.max(shares.get(part) ?? 0, share));
      const sum = [...shares.values()].reduce((total, value) => total + value, 0);
      const done = [...shares.values()].filter((value) => value >= 1).length;
      context.progress({
        percent: firstPercent + (sum / open.length) * (lastPercent - firstPercent),
        done,
        total: open.length,
        unit: "parts",
        message: `Analysed ${done} of ${open.length} parts`,
      });
    },
  };
}
