/**
 * The kinds of failure the product distinguishes. The edges map a kind to an HTTP status or a
 * WebSocket close code; domain code never names either.
 */
export type ErrorKind =
  | "invalid"
  | "malformed"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "unsupported"
  | "precondition_failed"
  | "limited"
  | "unavailable"
  | "internal";

/** One problem inside a request, settings file or payload: where it is and what is wrong. */
export type ErrorItem = {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
};

export type MillraceErrorOptions = {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly cause?: unknown;
  /** Facts that are safe to log and to show; never document text, prompts or secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly items?: readonly ErrorItem[];
  /** Whether the same work may succeed later. Decided once, where the knowledge is. Default false. */
  readonly retryable?: boolean;
  /** How long the other side asked us to wait. */
  readonly retryAfterSeconds?: number;
  /**
   * For what is nobody's failure, because nothing was done and waiting helps: a job that throws this is put off
   * by so much, between a second and an hour, and uses no try up. Default: it failed.
   */
  readonly putOffSeconds?: number;
};

const marker = Symbol.for("millrace.error");

/**
 * The one error class of the product. `code` is public and stable; `message` is for people and says
 * what to do next. Recognise it with `isMillraceError`, which also works across package copies.
 */
export class MillraceError extends Error {
  readonly [marker] = true;
  readonly code: string;
  readonly kind: ErrorKind;
  readonly details: Readonly<Record<string, unknown>>;
  readonly items: readonly ErrorItem[];
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;
  readonly putOffSeconds: number | undefined;

  constructor(options: MillraceErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MillraceError";
    this.code = options.code;
    this.kind = options.kind;
    this.details = options.details ?? {};
    this.items = options.items ?? [];
    this.retryable = options.retryable ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.putOffSeconds = options.putOffSeconds;
  }
}

export function isMillraceError(value: unknown): value is MillraceError {
  return typeof value === "object" && value !== null && marker in value;
}

/** Turns anything thrown into an Error, keeping the original as `cause` when it was not one. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(typeof thrown === "string" ? thrown : "A value that is not an error was thrown", {
    cause: thrown,
  });
}

/** The stable code of anything thrown; `internal_error` for what is not ours. */
export function errorCode(thrown: unknown): string {
  return isMillraceError(thrown) ? thrown.code : "internal_error";
}

/** For how long a job that throws this is put off, without using a try up; undefined for what is a failure. */
export function putOffSeconds(thrown: unknown): number | undefined {
  return isMillraceError(thrown) ? thrown.putOffSeconds : undefined;
}
