import { MillraceError } from "@millrace/kernel";

/** `file_too_large`: the upload has more bytes than allowed; nothing of it was kept. */
export function fileTooLarge(maxBytes: number): MillraceError {
  return new MillraceError({
    code: "file_too_large",
    kind: "too_large",
    message: `The file is larger than the ${maxBytes} bytes allowed here. Send a smaller one, or raise MAX_UPLOAD_BYTES.`,
    details: { max_bytes: maxBytes },
  });
}

/** `storage_full`: the disk or its quota has no room; nothing was kept. */
export function storageFull(cause: unknown): MillraceError {
  return new MillraceError({
    code: "storage_full",
    kind: "unavailable",
    message: "There is no room left to store the file. Free disk space under DATA_DIR, then try again.",
    cause,
    retryable: true,
    retryAfterSeconds: 60,
  });
}

/** `stored_file_missing`: the row is there, its file is not. */
export function storedFileMissing(key: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "stored_file_missing",
    kind: "not_found",
    message: "The stored file is gone. Restore it from a backup, or upload the document again.",
    cause,
    details: { key },
  });
}

/** The same code, for the process that is to read it: most likely it looks into another folder. */
export function storedFileNotHere(key: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "stored_file_missing",
    kind: "unavailable",
    message:
      "The stored file is not in this worker's DATA_DIR. API and workers on several machines need one folder that all of them mount. If it is that folder, restore the file from a backup.",
    cause,
    details: { key },
    retryable: true,
  });
}

/** `file_store_stopped`: asked to write while the process shuts down. */
export function fileStoreStopped(): MillraceError {
  return new MillraceError({
    code: "file_store_stopped",
    kind: "unavailable",
    message: "The server is shutting down. Send the file again in a moment.",
    retryable: true,
  });
}
