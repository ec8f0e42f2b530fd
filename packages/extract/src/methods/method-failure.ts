/**
 * Why a method gave up. `declined` means "not a file for this method" and never leaves the package;
 * the others become the public errors of the same name.
 */
export const methodFailureCodes = [
  "declined",
  "file_damaged",
  "file_unreadable",
  "pdf_encrypted",
  "pdf_password_wrong",
  "file_encrypted_or_legacy",
  "extraction_limit_size",
  "extraction_limit_memory",
] as const;
export type MethodFailureCode = (typeof methodFailureCodes)[number];

/** Thrown by methods. Plain, because a child process loads nothing it does not need. */
export class MethodFailure extends Error {
  readonly code: MethodFailureCode;

  constructor(code: MethodFailureCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.name = "MethodFailure";
    this.code = code;
  }
}
