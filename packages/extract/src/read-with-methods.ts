import { join } from "node:path";
import type { Logger, MillraceError } from "@millrace/kernel";
import {
  extractionCrashed,
  fileDamaged,
  fileEncryptedOrLegacy,
  fileUnreadable,
  memoryLimitReached,
  pdfEncrypted,
  pdfPasswordWrong,
  sizeLimitReached,
  timeLimitReached,
} from "./errors.ts";
import type { ExtractedText, FileType } from "./extracted-text.ts";
import type { ExtractionProgress } from "./extractor.ts";
import type { MethodFailureCode } from "./methods/method-failure.ts";
import { methodNames } from "./methods/method.ts";
import type { FoundAttachment, MethodName } from "./methods/method.ts";
import type { Reading } from "./pool/child-message.ts";
import type { ChildPool } from "./pool/child-pool.ts";
import type { TaskOutcome } from "./pool/extraction-child.ts";

/** What is read of a file by itself, and the files within it, moved to the folder of the request. */
export type ReadFile = {
  readonly extracted: ExtractedText;
  readonly attachments: readonly FoundAttachment[];
};

export type ReadingRequest = {
  readonly path: string;
  readonly fileType: FileType;
  /** Where files within the file go. */
  readonly attachmentFolder: string;
  readonly password?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ExtractionProgress) => void;
  readonly pool: ChildPool;
  readonly limits: { readonly memoryBytes: number; readonly timeoutMs: number; readonly logger: Logger };
};

type Attempt = { readonly method: MethodName; readonly outcome: TaskOutcome };

/** A poor first reading is replaced only by a clearly richer one: the first method is the better reader. */
const richerBy = 1.5;

/** What no other method could change: it is reported at once. */
const finalCodes: ReadonlySet<MethodFailureCode> = new Set([
  "pdf_encrypted",
  "pdf_password_wrong",
  "file_encrypted_or_legacy",
  "file_unreadable",
]);

/**
 * Reads a file with the methods of its format, each at most once: the next one gets a try when one
 * fails, hits a limit, or finds suspiciously little. Throws the first method's error when all fail.
 */
export async function readFileWithMethods(request: ReadingRequest): Promise<ReadFile> {
  const attempts: Attempt[] = [];
  let best: { method: MethodName; reading: Reading } | undefined;
  for (const method of methodNames[request.fileType]) {
    const outcome = await runMethod(request, method);
    attempts.push({ method, outcome });
    if (outcome.kind === "read") {
      const isRicher = best === undefined || outcome.reading.letters > best.reading.letters * richerBy;
      if (isRicher) best = { method, reading: keepTitle(outcome.reading, best?.reading) };
      if (!outcome.reading.isWeak) break;
    }
    if (outcome.kind === "failed" && finalCodes.has(outcome.code)) break;
    // Not the file's fault: the caller tries again, rather than being served by a poorer method.
    if (outcome.kind === "crashed" && outcome.isFromOutside) break;
  }
  // One that declines says nothing of the file.
  const problem = attempts.find(
    ({ outcome }) => outcome.kind !== "read" && !(outcome.kind === "failed" && outcome.code === "declined"),
  );
  const failure = problem === undefined ? undefined : describeFailure(request, attempts);
  if (best === undefined) throw failure ?? fileDamaged("nothing could be read");
  // Nothing but blanks beside a limit or a damage: the failure is what the reader needs to know.
  if (best.reading.letters === 0 && failure !== undefined) throw failure;
  return {
    extracted: toExtractedText(request.fileType, best.method, best.reading),
    attachments: best.reading.attachments,
  };
}

async function runMethod(request: ReadingRequest, method: MethodName): Promise<TaskOutcome> {
  const child = await request.pool.acquire(request.signal);
  let outcome: TaskOutcome | undefined;
  try {
    outcome = await child.run(
      { path: request.path, fileType: request.fileType, password: request.password, method },
      request.signal,
      (done, total) => request.onProgress?.({ done, total, unit: "pages" }),
    );
    if (outcome.kind === "read") {
      for (const { file } of outcome.reading.attachments)
        await child.moveFile(file, join(request.attachmentFolder, file));
    }
  } finally {
    await request.pool.giveBack(child, outcome?.kind === "read");
  }
  request.signal.throwIfAborted();
  request.limits.logger.debug(
    {
      method,
      outcome: outcome.kind,
      peakBytes: child.peakBytes,
      ...(outcome.kind === "failed" ? { code: outcome.code, reason: outcome.reason } : {}),
    },
    "extraction method ended",
  );
  return outcome;
}

/** Only the first method of a PDF reads the title. */
function keepTitle(reading: Reading, before: Reading | undefined): Reading {
  return { ...reading, title: reading.title ?? before?.title ?? null };
}

/** The error of the most telling attempt: limits before damages, earlier before later. */
function describeFailure(request: ReadingRequest, attempts: readonly Attempt[]): MillraceError {
  const failures = attempts.map((attempt) => attempt.outcome).filter((outcome) => outcome.kind !== "read");
  const told =
    failures.find((outcome) => outcome.kind === "failed" && finalCodes.has(outcome.code)) ??
    failures.find((outcome) => outcome.kind !== "failed") ??
    failures.find(
      (outcome) =>
        outcome.kind === "failed" && outcome.code !== "declined" && outcome.code !== "file_damaged",
    ) ??
    failures.find((outcome) => outcome.kind === "failed" && outcome.code !== "declined");
  const methods = attempts.map((attempt) => attempt.method);
  return errorOf(told, request.limits, methods);
}

/** The public error of a task that did not give a text. */
export function errorOf(
  outcome: TaskOutcome | undefined,
  limits: { readonly memoryBytes: number; readonly timeoutMs: number },
  methods: readonly string[],
): MillraceError {
  switch (outcome?.kind) {
    case "time":
      return timeLimitReached(limits.timeoutMs, methods);
    case "memory":
      return memoryLimitReached(limits.memoryBytes, methods);
    case "crashed":
      return extractionCrashed(outcome.how, outcome.isFromOutside);
    // A child is only stopped by an abort, which was thrown before, or by someone outside.
    case "stopped":
      return extractionCrashed("it was stopped", true);
    case "failed":
      return fromFailure(outcome.code, outcome.detail, limits.memoryBytes, methods);
    case "read":
    case undefined:
      return fileDamaged("nothing could be read");
  }
}

function fromFailure(
  code: MethodFailureCode,
  detail: string,
  memoryBytes: number,
  methods: readonly string[],
): MillraceError {
  switch (code) {
    case "pdf_encrypted":
      return pdfEncrypted();
    case "pdf_password_wrong":
      return pdfPasswordWrong();
    case "file_encrypted_or_legacy":
      return fileEncryptedOrLegacy();
    case "file_unreadable":
      return fileUnreadable(detail);
    case "extraction_limit_size":
      return sizeLimitReached(detail);
    case "extraction_limit_memory":
      return memoryLimitReached(memoryBytes, methods);
    case "declined":
    case "file_damaged":
      return fileDamaged(detail);
  }
}

function toExtractedText(fileType: FileType, method: MethodName, reading: Reading): ExtractedText {
  return {
    text: reading.text,
    fileType,
    method,
    title: reading.title,
    pages: reading.pages,
    encoding: reading.encoding,
    pagesWithoutText: reading.pagesWithoutText,
    warnings: reading.warnings,
  };
}
