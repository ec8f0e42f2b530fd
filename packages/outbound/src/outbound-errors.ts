import { MillraceError } from "@millrace/kernel";

/*
 * These are shown to whoever gave the URL. They must not say what the network behind this process is like:
 * a host that is not there and one that is inside look the same, and no address is ever named.
 */

export function invalidUrl(why: string): MillraceError {
  return new MillraceError({
    code: "invalid_url",
    kind: "invalid",
    message: `This URL can't be fetched: ${why}.`,
  });
}

export function urlNotReachable(): MillraceError {
  return new MillraceError({
    code: "url_not_reachable",
    kind: "invalid",
    message:
      "This URL can't be fetched: its host is not known on the public internet. An operator can allow hosts of an own network by name.",
  });
}

export function tooManyRedirects(max: number): MillraceError {
  return new MillraceError({
    code: "too_many_redirects",
    kind: "invalid",
    message: `This URL leads through more than ${max} redirects. Give the address at their end.`,
    details: { max },
  });
}

export function responseTooLarge(maxBytes: number): MillraceError {
  return new MillraceError({
    code: "response_too_large",
    kind: "too_large",
    message: `What this URL gives has more than ${maxBytes} bytes, which is the most that is read.`,
    details: { maxBytes },
  });
}

export function contentTypeNotAllowed(type: string): MillraceError {
  return new MillraceError({
    code: "content_type_not_allowed",
    kind: "unsupported",
    message: `What this URL gives is of a type that is not read here (${type === "" ? "none is named" : type.slice(0, 100)}).`,
  });
}

export function fetchTimedOut(what: "connect" | "idle" | "total", ms: number): MillraceError {
  const waited = {
    connect: "The host of this URL did not take the connection",
    idle: "The host of this URL went silent",
    total: "The host of this URL did not finish its answer",
  } as const;
  return new MillraceError({
    code: "fetch_timed_out",
    kind: "unavailable",
    retryable: true,
    message: `${waited[what]} within ${ms} ms. Try again later.`,
    details: { what, ms },
  });
}

/** The cause is for the log: it may name addresses. */
export function fetchFailed(cause: unknown): MillraceError {
  return new MillraceError({
    code: "fetch_failed",
    kind: "unavailable",
    retryable: true,
    message: "The host of this URL ended the connection, or its answer can't be read. Try again later.",
    cause,
  });
}
