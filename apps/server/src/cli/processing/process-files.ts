import type { AcceptedDocument } from "@millrace/contracts";
import { toError } from "@millrace/kernel";
import { exitCodeOf, exitCodes } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { ProcessedDocument, Processor, Source } from "./processor.ts";
import { applyUpdate } from "./progress-view.ts";
import type { FileProgress, ProgressView } from "./progress-view.ts";
import { startLimited } from "./start-limited.ts";

/** As many as keep a server's worker of usual size busy; more would only wait in its queue. */
const filesAtOnce = 8;

/** A file of the command line, found or not. */
export type Input = { readonly name: string; readonly source: Source | { readonly failure: unknown } };

/** How one file ended. */
export type FileOutcome =
  | { readonly kind: "processed"; readonly result: ProcessedDocument; readonly exitCode: ExitCode }
  | { readonly kind: "detached"; readonly accepted: AcceptedDocument }
  | { readonly kind: "failed"; readonly error: Error; readonly exitCode: ExitCode };

export type ProcessFilesOptions = {
  readonly processor: Processor;
  readonly view: ProgressView;
  readonly title: string | undefined;
  /** Not to wait for the end of the work. */
  readonly isDetached: boolean;
  readonly signal: AbortSignal;
};

export type RunningFiles = {
  /** One per file, in the given order. They never reject. */
  readonly outcomes: readonly Promise<FileOutcome>[];
  /** Documents that were taken in and whose end has not been seen. */
  readonly open: ReadonlySet<string>;
};

/** Takes files in and follows them, some at once. One that can't be taken leaves the others alone. */
export function processFiles(inputs: readonly Input[], options: ProcessFilesOptions): RunningFiles {
  const open = new Set<string>();
  const outcomes = startLimited(inputs, filesAtOnce, async (input, index): Promise<FileOutcome> => {
    try {
      if ("failure" in input.source) throw toError(input.source.failure);
      return await processOne({ ...options, open, name: input.name, source: input.source, index });
    } catch (error) {
      options.view.drop(index);
      return { kind: "failed", error: toError(error), exitCode: exitCodeOf(error) };
    }
  });
  return { outcomes, open };
}

type Work = ProcessFilesOptions & {
  readonly open: Set<string>;
  readonly name: string;
  readonly source: Source;
  readonly index: number;
};

async function processOne(work: Work): Promise<FileOutcome> {
  const { processor, view, index, signal, open } = work;
  signal.throwIfAborted();
  const startedMs = performance.now();
  let progress: FileProgress = {
    name: work.name,
    state: "sending",
    percent: 0,
    stage: null,
    message: "Sending",
  };
  view.change(index, progress);
  const accepted = await processor.accept({ source: work.source, title: work.title }, signal);
  const { id } = accepted.document;
  if (work.isDetached) {
    view.change(index, { ...progress, state: "done", message: "accepted" });
    return { kind: "detached", accepted };
  }
  open.add(id);
  for await (const update of processor.watch(id, signal)) {
    progress = applyUpdate(progress, update);
    view.change(index, progress);
  }
  open.delete(id);
  const result = await processor.read(id);
  const exitCode = exitCodeOfResult(result);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const state = exitCode === exitCodes.ok ? "done" : "failed";
  view.change(index, { ...progress, state, message: `${result.document.status} in ${seconds} s` });
  return { kind: "processed", result, exitCode };
}

/** Parts that this model can't make are no failure; parts that it could have made are. */
function exitCodeOfResult({ document, analysis }: ProcessedDocument): ExitCode {
  const { summary, key_points: keyPoints, sentiment, topics } = analysis;
  const hasFailedPart = [summary, keyPoints, sentiment, topics].some((part) => part.state === "failed");
  return document.status === "completed" && !hasFailedPart ? exitCodes.ok : exitCodes.jobFailed;
}
