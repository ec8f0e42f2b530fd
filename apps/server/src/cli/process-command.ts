import { createLogger, errorCode, logLevels } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { invalidArguments, waitTimedOut } from "./errors.ts";
import { exitCodeOf, exitCodes, worstExitCode } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { positiveSeconds } from "./option-values.ts";
import { createBarView } from "./processing/bar-view.ts";
import { openProcessor } from "./processing/open-processor.ts";
import { processFiles } from "./processing/process-files.ts";
import type { FileOutcome, Input, RunningFiles } from "./processing/process-files.ts";
import type { Processor } from "./processing/processor.ts";
import { createLineView, silentView } from "./processing/progress-view.ts";
import type { ProgressView } from "./processing/progress-view.ts";
import { readSource, shownName, standardInputName } from "./processing/read-source.ts";
import { createRemoteProcessor } from "./processing/remote-processor.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import { writeResult } from "./processing/write-result.ts";
import { reportFailure } from "./report-failure.ts";
import { findServer } from "./server/find-server.ts";
import type { CommandEnvironment } from "./settings.ts";
import { canRedraw } from "./terminal/style.ts";

type ProcessOptions = {
  readonly title?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly timeout?: number;
  readonly detach?: true;
};

const help = `
Without FILE, or with - for it, standard input is processed. With a server running on the data
folder, or named by MILLRACE_URL, the work is done there; otherwise in this process. The documents
are kept either way.

Exit codes: 0 all completed, 1 failed, 2 usage, 3 no such file, 4 not let in, 5 --timeout is over,
6 a document or a part of its analysis failed, 130 interrupted. The highest one wins.`;

/** `millrace process FILE…`: what the browser app does with a file, on the command line. */
export function addProcessCommand(program: Command, host: CommandHost): void {
  program
    .command("process")
    .description("Process files or standard input and print the analysis")
    .argument("[file...]", "files to process; - is standard input")
    .option("--title <title>", "title of the document, with one file")
    .option("--json", "print JSON: one object for one file, one per line for several")
    .option("-q, --quiet", "no progress, only failures")
    .option("--timeout <seconds>", "give up after this time", positiveSeconds)
    .option("--detach", "leave the work to the running server and print the ids of the documents")
    .addHelpText("after", help)
    .action(async (files: string[], options: ProcessOptions) => {
      host.finish(await processCommand(files, options, host.environment()));
    });
}

async function processCommand(
  given: readonly string[],
  options: ProcessOptions,
  environment: CommandEnvironment,
): Promise<ExitCode> {
  const files = given.length > 0 ? given : [standardInputName];
  const title = checkArguments(files, given.length === 0, options);
  const stop = listenForStop();
  const time = startTimer(options.timeout);
  const signal = time === undefined ? stop.signal : AbortSignal.any([stop.signal, time.signal]);
  const view = createView(options, environment, files.length);
  try {
    const inputs = await readInputs(files, { maxBytes: environment.connection().MAX_UPLOAD_BYTES, signal });
    // Nothing to process: not worth the seconds that opening a database takes.
    if (inputs.every(({ source }) => "failure" in source)) return reportAll(inputs);
    const processor = await chooseProcessor(options, { environment, signal, view });
    try {
      const running = processFiles(inputs, {
        processor,
        view,
        title,
        isDetached: options.detach === true,
        signal,
      });
      const codes = await writeOutcomes(inputs, running, { ...options, view, signal });
      if (signal.aborted) codes.push(await giveUp(signal, { processor, running, view, options }));
      return worstExitCode(codes);
    } finally {
      view.close();
      await processor.close();
    }
  } finally {
    time?.close();
    stop.close();
  }
}

/** Throws `invalid_arguments` for what makes no sense together. Returns the title, trimmed. */
function checkArguments(
  files: readonly string[],
  isByDefault: boolean,
  options: ProcessOptions,
): string | undefined {
  if (isByDefault && process.stdin.isTTY) {
    throw invalidArguments("Name the files to process, or pipe a text in: millrace process FILE…");
  }
  if (files.filter((file) => file === standardInputName).length > 1) {
    throw invalidArguments("Standard input (-) can be read only once.");
  }
  if (options.title === undefined) return undefined;
  if (files.length > 1) throw invalidArguments("--title goes with one file; there are several here.");
  const title = options.title.trim();
  if (title === "" || title.length > 255) throw invalidArguments("--title must have 1 to 255 characters.");
  return title;
}

function startTimer(seconds: number | undefined): { signal: AbortSignal; close: () => void } | undefined {
  if (seconds === undefined) return undefined;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(waitTimedOut(seconds, "")), seconds * 1000);
  return { signal: controller.signal, close: () => clearTimeout(timer) };
}

function createView(options: ProcessOptions, environment: CommandEnvironment, files: number): ProgressView {
  if (options.quiet) return silentView;
  return canRedraw(process.stderr, environment.variable("TERM"))
    ? createBarView(process.stderr, files)
    : createLineView(process.stderr, files);
}

async function readInputs(
  files: readonly string[],
  limits: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const file of files) {
    limits.signal.throwIfAborted();
    const source = await readSource(file, limits).catch((failure: unknown) => ({ failure }));
    inputs.push({ name: shownName(file), source });
  }
  limits.signal.throwIfAborted();
  return inputs;
}

function reportAll(inputs: readonly Input[]): ExitCode {
  const codes = inputs.map(({ name, source }) => {
    const failure = "failure" in source ? source.failure : undefined;
    reportFailure(failure, name);
    return exitCodeOf(failure);
  });
  return worstExitCode(codes);
}

async function chooseProcessor(
  options: ProcessOptions,
  parts: {
    readonly environment: CommandEnvironment;
    readonly signal: AbortSignal;
    readonly view: ProgressView;
  },
): Promise<Processor> {
  const { environment, signal, view } = parts;
  if (options.detach) {
    const client = await findServer(environment.connection());
    if (client !== undefined) return createRemoteProcessor(client);
    throw invalidArguments(
      "--detach needs a server that goes on with the work. Start one first (millrace start), or leave it out.",
    );
  }
  const say = (line: string): void => {
    if (!options.quiet) view.aside(() => process.stderr.write(`${line}\n`));
  };
  return await openProcessor({
    environment,
    signal,
    logger: quietLogger(environment),
    onOpening: (folder) => say(`No server runs: processing here, with ${folder}`),
    onWaiting: (folder) => say(`Waiting for the process that has ${folder} open`),
  });
}

/** Only what would be lost otherwise, unless one asks for more. */
function quietLogger(environment: CommandEnvironment): Logger {
  const asked = environment.variable("LOG_LEVEL");
  return createLogger({ level: logLevels.find((level) => level === asked) ?? "error", name: "millrace" });
}

type OutcomeOptions = ProcessOptions & { readonly view: ProgressView; readonly signal: AbortSignal };

/** Writes what came out, in the given order, each as soon as those before it are written. */
async function writeOutcomes(
  inputs: readonly Input[],
  { outcomes }: RunningFiles,
  options: OutcomeOptions,
): Promise<ExitCode[]> {
  const codes: ExitCode[] = [];
  let written = 0;
  for (const [index, promise] of outcomes.entries()) {
    const outcome = await promise;
    const name = inputs[index]?.name ?? "";
    options.view.aside(() => {
      if (outcome.kind === "failed") {
        if (outcome.error !== options.signal.reason) reportFailure(outcome.error, name);
        return;
      }
      writeOutcome(outcome, {
        isFirst: written++ === 0,
        isOnly: inputs.length === 1,
        isJson: options.json === true,
      });
      if (outcome.kind === "processed") reportFailedParts(outcome, name);
    });
    codes.push(outcome.kind === "detached" ? exitCodes.ok : outcome.exitCode);
  }
  return codes;
}

function writeOutcome(
  outcome: Exclude<FileOutcome, { kind: "failed" }>,
  look: { readonly isFirst: boolean; readonly isOnly: boolean; readonly isJson: boolean },
): void {
  const { stdout } = process;
  const value = outcome.kind === "detached" ? outcome.accepted : outcome.result;
  if (look.isJson) stdout.write(`${JSON.stringify(value, null, look.isOnly ? 2 : 0)}\n`);
  else if (outcome.kind === "detached") stdout.write(`${outcome.accepted.document.id}\n`);
  else {
    if (!look.isFirst) stdout.write("\n---\n\n");
    writeResult(stdout, outcome.result);
  }
}

function reportFailedParts({ result }: Extract<FileOutcome, { kind: "processed" }>, name: string): void {
  const { document, analysis } = result;
  const say = (what: string, reason: string | null, code: string | null): void => {
    process.stderr.write(`millrace: ${name}: ${what}. ${reason ?? ""} (${code ?? "unknown"})\n`);
  };
  if (document.status === "failed") say("failed", document.processing_error, document.processing_error_code);
  if (document.status === "cancelled") process.stderr.write(`millrace: ${name}: the work was cancelled\n`);
  const { summary, key_points: keyPoints, sentiment, topics } = analysis;
  for (const [part, { state, reason, error_code: code }] of Object.entries({
    summary,
    keyPoints,
    sentiment,
    topics,
  })) {
    if (state === "failed" && document.status !== "failed")
      say(`${part === "keyPoints" ? "key points" : part} failed`, reason, code);
  }
}

/**
 * What is left when time is over or somebody interrupts. Here nobody would go on with the work, so it
 * is cancelled; a server's work goes on after a time-out, and is cancelled with Ctrl-C.
 */
async function giveUp(
  signal: AbortSignal,
  parts: {
    readonly processor: Processor;
    readonly running: RunningFiles;
    readonly view: ProgressView;
    readonly options: ProcessOptions;
  },
): Promise<ExitCode> {
  const { processor, running, view, options } = parts;
  const open = [...running.open];
  const isTimedOut = errorCode(signal.reason) === "wait_timed_out";
  view.close();
  const isLeft = isTimedOut && processor.place === "server";
  if (!isLeft) {
    if (!options.quiet && open.length > 0) process.stderr.write("Cancelling; once more to leave at once\n");
    const cancelled = await Promise.allSettled(open.map((id) => processor.cancel(id)));
    for (const result of cancelled) if (result.status === "rejected") reportFailure(result.reason);
  }
  const next = isLeft
    ? `The server goes on: ${open.map((id) => `millrace documents get ${id}`).join(", ")}`
    : "What was left has been cancelled.";
  reportFailure(isTimedOut ? waitTimedOut(options.timeout ?? 0, next) : signal.reason);
  return exitCodeOf(signal.reason);
}
