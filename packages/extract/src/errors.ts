import { MillraceError } from "@millrace/kernel";
import type { KnownFormat } from "./detection/known-formats.ts";
import { readableFormats } from "./detection/readable-formats.ts";

const supported = `Supported are ${readableFormats}.`;

export function fileEmpty(): MillraceError {
  return new MillraceError({
    code: "file_empty",
    kind: "invalid",
    message: "The file is empty (0 bytes). Check the file and upload it again.",
  });
}

export function unsupportedFileType({ name, isPlanned, advice }: KnownFormat): MillraceError {
  const reason = isPlanned ? "is not supported yet" : "holds no text that can be read";
  return new MillraceError({
    code: "unsupported_file_type",
    kind: "unsupported",
    message: [`This is ${name}, which ${reason}.`, advice, supported].filter(Boolean).join(" "),
    details: { found: name },
  });
}

/** `found` names the format, with its article: "a Windows program". */
export function fileTypeMismatch(found: string, extension: string): MillraceError {
  return new MillraceError({
    code: "file_type_mismatch",
    kind: "unsupported",
    message: `The name says .${extension} but the content is ${found}. It was not accepted, because such a file can do harm when it is opened. ${supported}`,
    details: { found, extension },
  });
}

export function fileDamaged(detail: string, cause?: unknown): MillraceError {
  return new MillraceError({
    code: "file_damaged",
    kind: "invalid",
    message: `The file is damaged and can't be read (${detail}). Open it in the program that made it, save it again and upload the new file.`,
    cause,
  });
}

export function pdfEncrypted(): MillraceError {
  return new MillraceError({
    code: "pdf_encrypted",
    kind: "invalid",
    message:
      "The PDF asks for a password. Give it on the document's page, with “millrace documents unlock ID”, or by POST /api/documents/{id}/password; or upload a copy without a password.",
  });
}

export function pdfPasswordWrong(): MillraceError {
  return new MillraceError({
    code: "pdf_password_wrong",
    kind: "invalid",
    message:
      "This password does not open the PDF. Check capital letters and the keyboard, and give it again.",
  });
}

/** For a PDF that asks for a password inside of another file, where nobody can give it one. */
export const lockedAttachment =
  "The PDF asks for a password. Save it by itself and upload that, then its password can be given.";

export function fileEncryptedOrLegacy(): MillraceError {
  return new MillraceError({
    code: "file_encrypted_or_legacy",
    kind: "unsupported",
    message:
      "This is an Office file that is either protected by a password or in a format from before 2007 (.doc, .ppt). Save it as DOCX, XLSX or PPTX without a password and upload that.",
  });
}

export function noTextFound(isScan: boolean): MillraceError {
  return new MillraceError({
    code: "no_text_found",
    kind: "invalid",
    message: isScan
      ? "No text was found: the pages are pictures or blank, and no text was recognised in them. If they hold text, set OCR to true, or scan them again with at least 200 dots per inch."
      : "No text was found in the file. Check that it is the file you meant.",
  });
}

export function timeLimitReached(timeoutMs: number, methods: readonly string[]): MillraceError {
  return new MillraceError({
    code: "extraction_limit_time",
    kind: "too_large",
    message: `Reading the file took longer than the ${Math.round(timeoutMs / 1000)} seconds allowed, and was stopped. Split the file into smaller ones, or save it again in the program that made it.`,
    details: { timeoutMs, methods },
  });
}

export function memoryLimitReached(memoryBytes: number, methods: readonly string[]): MillraceError {
  return new MillraceError({
    code: "extraction_limit_memory",
    kind: "too_large",
    message: `Reading the file needed more than the ${Math.round(memoryBytes / 1_000_000)} MB of memory allowed, and was stopped. Split the file into smaller ones, or save it again in the program that made it.`,
    details: { memoryBytes, methods },
  });
}

export function sizeLimitReached(detail: string): MillraceError {
  return new MillraceError({
    code: "extraction_limit_size",
    kind: "too_large",
    message: `The file unpacks to more than is allowed (${detail}). Split it into smaller files.`,
    details: { detail },
  });
}

/** Retryable only when someone else ended the child: the same file would crash the same parser again. */
export function extractionCrashed(how: string, isFromOutside: boolean): MillraceError {
  return new MillraceError({
    code: "extraction_crashed",
    kind: isFromOutside ? "unavailable" : "internal",
    message: isFromOutside
      ? `The process that read the file was ended from outside (${how}). Try again; if it repeats, the machine is most likely short of memory.`
      : `The process that read the file crashed (${how}). Save the file again in the program that made it and upload the new one.`,
    retryable: isFromOutside,
    details: { how },
  });
}

/** The bytes are not where the caller said, or may not be read. */
export function fileUnreadable(cause: unknown): MillraceError {
  return new MillraceError({
    code: "file_unreadable",
    kind: "unavailable",
    message: "The stored file can't be opened. Check that the data folder is mounted and readable.",
    cause,
    retryable: true,
  });
}

export function ocrLanguageMissing(languages: readonly string[]): MillraceError {
  return new MillraceError({
    code: "ocr_language_missing",
    kind: "unavailable",
    message: `Text in pictures can't be recognised: there is no data for ${languages.join(", ")}. Install the npm package @tesseract.js-data/${languages[0]}, put its .traineddata file into OCR_DATA_DIR, or change OCR_LANGUAGES.`,
    details: { languages },
  });
}

export function fileInfected(virus: string): MillraceError {
  return new MillraceError({
    code: "file_infected",
    kind: "invalid",
    message: `The virus scanner found ${virus} in the file, so it was not opened. Delete it, and look after the machine it came from.`,
    details: { virus },
  });
}

export function virusScannerUnavailable(cause: Error): MillraceError {
  return new MillraceError({
    code: "virus_scanner_unavailable",
    kind: "unavailable",
    message: "The virus scanner does not answer. Check that clamd runs at CLAMAV_ADDRESS.",
    cause,
    retryable: true,
  });
}

/** `answer` is the scanner's own line. */
export function virusScannerFailed(answer: string): MillraceError {
  return new MillraceError({
    code: "virus_scan_failed",
    kind: "unavailable",
    message: `The virus scanner could not scan the file (${answer.slice(0, 200)}). If it is too large for it, raise StreamMaxLength of clamd.`,
    details: { answer: answer.slice(0, 200) },
  });
}

export function extractorBusy(): MillraceError {
  return new MillraceError({
    code: "extractor_busy",
    kind: "limited",
    message: "Too many files wait for extraction in this process. Try again in a moment.",
    retryable: true,
    retryAfterSeconds: 5,
  });
}

export function extractorStopped(): MillraceError {
  return new MillraceError({
    code: "extractor_stopped",
    kind: "unavailable",
    message: "This process is shutting down and reads no more files. Try again on another one.",
    retryable: true,
  });
}
