import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { StopError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { extractorStopped } from "./errors.ts";
import type { FileType } from "./extracted-text.ts";
import type { PageTask } from "./methods/method.ts";
import { chooseEngine } from "./ocr-engine.ts";
import type { Engine } from "./ocr-engine.ts";
import { ChildPool } from "./pool/child-pool.ts";
import type { TaskOutcome } from "./pool/extraction-child.ts";
import { errorOf } from "./read-with-methods.ts";
import type { OcrSettings } from "./settings.ts";

/** Pages a child reads before a fresh one takes over: the engine's memory grows a little with each. */
const recycleAfter = 50;

/** A full page takes 5 s; a photo of 48 million pixels on a busy machine ten times that. */
const defaultPageTimeoutMs = 120_000;

export type RecogniserOptions = {
  readonly logger: Logger;
  /** Where children work; created when missing. */
  readonly tempDirectory: string;
  readonly settings: OcrSettings;
  /** Where the system's `tesseract` is looked for. Default: where Debian and Homebrew put it. */
  readonly programPaths?: readonly string[];
  /** How long one page may take with one engine, in milliseconds. Default 120 s. */
  readonly pageTimeoutMs?: number;
  /** Ceiling for the memory of one child, in bytes. Default 1.2 GB. */
  readonly memoryBytes?: number;
};

export type RecognisedPage = {
  readonly text: string;
  /** The engine's own estimate of how sure it is, 0 to 100. */
  readonly confidence: number;
  readonly engine: "tesseract.js" | "tesseract";
};

/** Recognises text in pictures, in child processes of its own. */
export type Recogniser = Service & {
  /**
   * The text of one page of a PDF or picture, numbered from 1. Errors are those of the extractor, and
   * `ocr_language_missing`. An abort kills the child and rejects with the signal's reason.
   */
  readonly recognisePage: (request: {
    readonly path: string;
    readonly fileType: FileType;
    readonly page: number;
    /** Of a PDF that asks for one. */
    readonly password?: string | undefined;
    readonly signal: AbortSignal;
  }) => Promise<RecognisedPage>;
};

/** A recogniser with its own children, apart from those that read files. `stop` kills what runs. */
export function createRecogniser(options: RecogniserOptions): Recogniser {
  const { logger, tempDirectory, settings } = options;
  const limits = {
    ...{ logger, tempDirectory, recycleAfter },
    memoryBytes: options.memoryBytes ?? 1_200_000_000,
    timeoutMs: options.pageTimeoutMs ?? defaultPageTimeoutMs,
    concurrency: settings.OCR_CONCURRENCY,
    // The built-in engine runs in one of its own.
    threads: 1,
  };
  const stopping = new AbortController();
  const running = new Set<Promise<unknown>>();
  let opened: Promise<{ engine: Engine; pool: ChildPool }> | undefined;
  let stopped: Promise<void> | undefined;

  const open = async (): Promise<{ engine: Engine; pool: ChildPool }> => {
    await mkdir(tempDirectory, { recursive: true });
    const engine = await chooseEngine(settings, options.programPaths);
    return { engine, pool: new ChildPool({ ...limits, mayStartPrograms: engine.program !== undefined }) };
  };
  // What is missing may be installed meanwhile; the next page looks again.
  const forget = (error: unknown): never => {
    opened = undefined;
    throw error;
  };
  const recognise: Recogniser["recognisePage"] = async ({
    path,
    fileType,
    page,
    password,
    signal: given,
  }) => {
    if (stopping.signal.aborted) throw extractorStopped();
    const { engine, pool } = await (opened ??= open().catch(forget));
    const signal = AbortSignal.any([stopping.signal, given]);
    signal.throwIfAborted();
    const { program, languages } = engine;
    const task = { page, isPdf: fileType === "pdf", languages };
    const run = async (pageTask: PageTask): Promise<TaskOutcome> =>
      await runPage(pool, { path: resolve(path), fileType, page: pageTask, password, signal });
    const first = await run(program === undefined ? task : { ...task, program });
    if (first.kind === "read") return toPage(first, program === undefined ? "tesseract.js" : "tesseract");
    // What the program can't read the built-in engine may; it needs data of its own.
    const second = program === undefined || !engine.hasData ? first : await run(task);
    if (second.kind === "read") return toPage(second, "tesseract.js");
    throw errorOf(first, limits, ["tesseract"]);
  };
  return {
    name: "recogniser",
    start: async () => undefined,
    stop: () =>
      (stopped ??= (async () => {
        stopping.abort(new StopError("shutdown", "The recogniser is shutting down."));
        await Promise.allSettled(running);
        const parts = await opened?.catch(() => undefined);
        await parts?.pool.stop();
      })()),
    recognisePage: async (request) => {
      const work = recognise(request);
      running.add(work);
      try {
        return await work;
      } finally {
        running.delete(work);
      }
    },
  };
}

async function runPage(
  pool: ChildPool,
  task: {
    readonly path: string;
    readonly fileType: FileType;
    readonly page: PageTask;
    readonly password: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<TaskOutcome> {
  const { signal, ...rest } = task;
  const child = await pool.acquire(signal);
  let outcome: TaskOutcome | undefined;
  try {
    outcome = await child.run({ ...rest, method: "recognise-page" }, signal, () => undefined);
  } finally {
    await pool.giveBack(child, outcome?.kind === "read");
  }
  signal.throwIfAborted();
  return outcome;
}

function toPage(
  { reading }: Extract<TaskOutcome, { kind: "read" }>,
  engine: RecognisedPage["engine"],
): RecognisedPage {
  return { text: reading.text, confidence: Math.round(reading.confidence ?? 0), engine };
}
