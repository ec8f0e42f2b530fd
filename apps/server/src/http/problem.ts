import { STATUS_CODES } from "node:http";
import type { Problem } from "@millrace/contracts";
import { errorCode, isMillraceError } from "@millrace/kernel";
import type { ErrorKind } from "@millrace/kernel";

/** Exhaustive by its type: a new kind of error does not compile until it has a status. */
export const statusByKind: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported: 415,
  invalid: 422,
  limited: 429,
  internal: 500,
  unavailable: 503,
};

/** When nothing better is known: long enough for a restart or a lost connection to be over. */
const defaultRetryAfterSeconds = 5;

export const problemContentType = "application/problem+json; charset=utf-8";

/** An error as it goes over the wire. */
export type ProblemReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Problem;
};

/**
 * Problem details (RFC 9457) of anything thrown. What is not ours becomes `internal_error`; of
 * internal errors neither message nor cause is shown.
 */
export function toProblem(
  thrown: unknown,
  request: { readonly id: string; readonly path: string },
): ProblemReply {
  const error = isMillraceError(thrown) ? thrown : undefined;
  const kind = error?.kind ?? "internal";
  const status = statusByKind[kind];
  const detail =
    error === undefined || kind === "internal"
      ? `Something went wrong inside the server. Try again; if it stays, look for request ${request.id} in its log.`
      : error.message;
  const items = error?.items ?? [];
  return {
    status,
    headers: {
      "content-type": problemContentType,
      "cache-control": "no-store",
      ...(kind === "unauthorized" ? { "www-authenticate": 'Bearer realm="millrace"' } : {}),
      ...(kind === "limited" || kind === "unavailable"
        ? {
            "retry-after": String(
              Math.max(1, Math.ceil(error?.retryAfterSeconds ?? defaultRetryAfterSeconds)),
            ),
          }
        : {}),
    },
    body: {
      // The code says what happened; RFC 9457 asks for the status phrase as title then.
      type: "about:blank",
      title: STATUS_CODES[status] ?? "Error",
      status,
      detail,
      instance: request.path,
      code: errorCode(thrown),
      request_id: request.id,
      ...(kind === "conflict" && typeof error?.details["count"] === "number"
        ? { count: error.details["count"] }
        : {}),
      ...(items.length > 0
        ? { errors: items.map(({ pointer, code, message }) => ({ pointer, code, detail: message })) }
        : {}),
    },
  };
}

/** The 405 problem of a path that exists under other methods. */
export function methodNotAllowed(
  allowed: readonly string[],
  request: { readonly id: string; readonly path: string },
): ProblemReply {
  const allow = allowed.join(", ");
  return {
    status: 405,
    headers: { "content-type": problemContentType, "cache-control": "no-store", allow },
    body: {
      type: "about:blank",
      title: "Method Not Allowed",
      status: 405,
      detail: `This path does not take this method. Use ${allow}.`,
      instance: request.path,
      code: "method_not_allowed",
      request_id: request.id,
    },
  };
}
