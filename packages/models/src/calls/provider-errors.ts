import {
  APICallError,
  EmptyResponseBodyError,
  InvalidResponseDataError,
  JSONParseError,
} from "@ai-sdk/provider";
import { isMillraceError, toError } from "@millrace/kernel";
import { modelErrors } from "../errors.ts";
import { retryAfterSeconds } from "./retry-after.ts";

/**
 * Turns anything a provider's call throws into our error with its code; the one place that decides
 * whether a call is worth trying again.
 */
export function toModelError(thrown: unknown, model: string, now: Date): Error {
  if (isMillraceError(thrown)) return thrown;
  const cause = toError(thrown);
  if (APICallError.isInstance(cause)) return fromResponse(cause, model, now);
  if (
    EmptyResponseBodyError.isInstance(cause) ||
    InvalidResponseDataError.isInstance(cause) ||
    JSONParseError.isInstance(cause)
  ) {
    return modelErrors.overloaded({ model, cause });
  }
  return fromConnection(cause, model);
}

function fromResponse(cause: APICallError, model: string, now: Date): Error {
  const status = cause.statusCode;
  const inner = innermostOf(cause);
  // Our own guard speaks through the SDK's wrapping.
  if (isMillraceError(inner)) return inner;
  // A body that breaks off is a connection that broke off, whatever its status said.
  if (status === undefined || (status < 400 && isConnectionFailure(inner)))
    return fromConnection(cause, model);
  const wait = retryAfterSeconds(cause.responseHeaders, now);
  const call = {
    model,
    cause,
    details: { status },
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
  };
  if (status === 413 || (status < 500 && isContextExceeded(cause))) return modelErrors.contextExceeded(call);
  // An account without money is not a rate limit: waiting does not help.
  if (status === 429 && errorFields(cause).includes("insufficient_quota"))
    return modelErrors.unauthorized(call);
  if (status === 429) return modelErrors.rateLimited(call);
  if (status === 401 || status === 402 || status === 403) return modelErrors.unauthorized(call);
  if (status === 404) return modelErrors.notFound(call);
  if (status === 408 || status === 504) return modelErrors.timedOut(call);
  if (status >= 500 || status === 409 || status === 425) return modelErrors.overloaded(call);
  // 200 with a body that is no answer: a proxy's page, a server that stumbled.
  if (status < 400) return modelErrors.overloaded(call);
  return modelErrors.requestRejected(call);
}

function fromConnection(cause: Error, model: string): Error {
  const inner = innermostOf(cause);
  if (isMillraceError(inner)) return inner;
  const reason = systemCode(inner);
  if (inner.name === "TimeoutError" || /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test(reason)) {
    return modelErrors.timedOut({ model, cause });
  }
  return modelErrors.unreachable({ model, cause, ...(reason === "" ? {} : { details: { reason } }) });
}

/** Such as ENOTFOUND or CERT_HAS_EXPIRED. */
function systemCode(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** What first went wrong: the end of the chain of causes, or our own error on the way. */
function innermostOf(error: Error): Error {
  let current = error;
  for (let depth = 0; depth < 10 && current.cause instanceof Error; depth += 1) {
    if (isMillraceError(current)) break;
    current = current.cause;
  }
  return current;
}

function isConnectionFailure(error: Error): boolean {
  const code = systemCode(error);
  return (
    error.name === "SocketError" ||
    /^(UND_ERR_|ECONN|EPIPE|ETIMEDOUT)/.test(code) ||
    error instanceof TypeError
  );
}

/**
 * Servers agree on no code for "too long": the known codes first, then the phrases of those that
 * only send text. A miss costs a clearer message, not correctness.
 */
function isContextExceeded(error: APICallError): boolean {
  const fields = errorFields(error);
  if (
    /context_length_exceeded|exceed_context_size_error|context_window_exceeded|string_above_max_length/.test(
      fields,
    )
  ) {
    return true;
  }
  return /maximum context length|prompt is too long|exceeds? the (available |maximum )?(context|number of tokens)|input token count|context (size|window|length) (is )?exceeded|too many tokens/i.test(
    fields,
  );
}

function errorFields(error: APICallError): string {
  return (error.responseBody ?? "").slice(0, 4000);
}
