import { availableParallelism } from "node:os";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { StopError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { detectFileType } from "./detection/detect-file-type.ts";
import { extractorStopped, fileEmpty, noTextFound } from "./errors.ts";
import type { ExtractedText, FileType } from "./extracted-text.ts";
import { ChildPool } from "./pool/child-pool.ts";
import { folderPrefix } from "./pool/folder-name.ts";
import { removeLeftovers } from "./pool/remove-leftovers.ts";
import { readHead } from "./read-head.ts";
import { readWithAttachments } from "./read-with-attachments.ts";
import { hasText } from "./text/has-text.ts";

export type ExtractorOptions = {
  readonly logger: Logger;
  /** Where children work; created when missing. It should belong to this machine alone. */
  readonly tempDirectory: string;
  /** Files read at the same time. Default: the number of cores, at most 4. */
  readonly concurrency?: number;
  /** Ceiling for the memory of one child, in bytes. Default 1.2 GB; below 0.2 GB little can be read. */
  readonly memoryBytes?: number;
  /** How long one method may take, in milliseconds; a second method gets the same again. Default 120 s. */
  readonly timeoutMs?: number;
  /** Files a child reads before a fresh one takes over. Default 25. */
  readonly recycleAfter?: number;
};

export type ExtractionProgress = { readonly done: number; readonly total: number; readonly unit: "pages" };

export type ExtractionRequest = {
  readonly path: string;
  /** The name the file was uploaded under; only its extension is looked at. */
  readonly fileName: string | null;
  /** What `detectFileType` said at upload time; without it the file is looked at again. */
  readonly declaredType?: FileType;
  /** Opens a PDF that asks for one. It reaches the child in a message and stands in no log. */
  readonly password?: string | undefined;
  /** Aborting kills the child; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ExtractionProgress) => void;
  /** True: pages that hold only pictures are no failure, as their text is recognised later. Default false. */
  readonly allowsPictures?: boolean;
};

/** Reads files in child processes. Errors are MillraceErrors with the codes in `errors.ts`. */
export type Extractor = Service & {
  readonly extract: (request: ExtractionRequest) => Promise<ExtractedText>;
  /** The same of what is in no file: it stands in one for as long as it is read. */
  readonly extractContent: (
    content: string | Uint8Array,
    request: Omit<ExtractionRequest, "path">,
  ) => Promise<ExtractedText>;
};

/** An extractor with its own children. `stop` kills what runs; nothing stays behind afterwards. */
export function createExtractor(options: ExtractorOptions): Extractor {
  const limits = {
    logger: options.logger,
    tempDirectory: options.tempDirectory,
    memoryBytes: options.memoryBytes ?? 1_200_000_000,
    timeoutMs: options.timeoutMs ?? 120_000,
    concurrency: options.concurrency ?? Math.min(4, availableParallelism()),
    recycleAfter: options.recycleAfter ?? 25,
  };
  const pool = new ChildPool(limits);
  const stopping = new AbortController();
  const running = new Set<Promise<unknown>>();
  let started: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  const start = async (): Promise<void> => {
    await mkdir(options.tempDirectory, { recursive: true });
    await removeLeftovers(options.tempDirectory);
    void track(running, pool.warm());
  };
  const stop = async (): Promise<void> => {
    stopping.abort(new StopError("shutdown", "The extractor is shutting down."));
    await started?.catch(() => undefined);
    await Promise.allSettled(running);
    await pool.stop();
  };
  const extract = async (request: ExtractionRequest): Promise<ExtractedText> => {
    if (stopping.signal.aborted) throw extractorStopped();
    // A signal per request: listeners of all requests on one would look like a leak.
    const signal = AbortSignal.any([
      stopping.signal,
      ...(request.signal === undefined ? [] : [request.signal]),
    ]);
    signal.throwIfAborted();
    // Absolute, because children work in folders of their own.
    const path = resolve(request.path);
    const fileType = await chooseType({ ...request, path });
    const { tempDirectory } = limits;
    const extracted = await readWithAttachments({
      ...{ ...request, path, fileType, signal },
      ...{ pool, limits, tempDirectory },
    });
    const isToBeRecognised = request.allowsPictures === true && extracted.pagesWithoutText.length > 0;
    if (!hasText(extracted.text) && !isToBeRecognised)
      throw noTextFound(extracted.pagesWithoutText.length > 0);
    return extracted;
  };
  const extractContent: Extractor["extractContent"] = async (content, request) => {
    // By its name the next start removes it when this process is killed.
    const folder = await mkdtemp(join(limits.tempDirectory, folderPrefix));
    try {
      const path = join(folder, "content");
      await writeFile(path, content);
      return await extract({ ...request, path });
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  };
  return {
    name: "extractor",
    start: () => (started ??= start()),
    stop: () => (stopped ??= stop()),
    extract: async (request) => {
      await (started ??= start());
      return await track(running, extract(request));
    },
    extractContent: async (content, request) => {
      await (started ??= start());
      return await track(running, extractContent(content, request));
    },
  };
}

function track<Result>(running: Set<Promise<unknown>>, work: Promise<Result>): Promise<Result> {
  running.add(work);
  const forget = (): void => void running.delete(work);
  work.then(forget, forget);
  return work;
}

async function chooseType(request: ExtractionRequest): Promise<FileType> {
  const { head, size } = await readHead(request.path);
  if (size === 0) throw fileEmpty();
  if (request.declaredType !== undefined) return request.declaredType;
  return (await detectFileType({ head, fileName: request.fileName, size })).type;
}
