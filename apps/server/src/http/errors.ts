import { MillraceError } from "@millrace/kernel";
import type { ErrorItem } from "@millrace/kernel";

/** `unauthorized`: no key, a wrong key, or a session that has ended. */
export function unauthorized(): MillraceError {
  return new MillraceError({
    code: "unauthorized",
    kind: "unauthorized",
    message: "Send `Authorization: Bearer` with the value of MILLRACE_TOKEN, or sign in in the browser.",
  });
}

/** `invalid_token`: the token given to open a session is not the right one. */
export function invalidToken(): MillraceError {
  return new MillraceError({
    code: "invalid_token",
    kind: "unauthorized",
    message: "This is not the value of MILLRACE_TOKEN. Check it with whoever runs this server.",
  });
}

/** `too_many_attempts`: too many wrong tokens from one address. */
export function tooManyAttempts(retryAfterSeconds: number): MillraceError {
  return new MillraceError({
    code: "too_many_attempts",
    kind: "limited",
    message: `Too many wrong tokens. Wait ${retryAfterSeconds} seconds, then try again.`,
    retryAfterSeconds,
    retryable: true,
  });
}

/** `host_not_allowed`: the name in the request's Host header is not this server's. */
export function hostNotAllowed(): MillraceError {
  return new MillraceError({
    code: "host_not_allowed",
    kind: "forbidden",
    message:
      "Without MILLRACE_TOKEN this server answers only under localhost, 127.0.0.1, [::1] and PUBLIC_URL. Use one of those, or set a token.",
  });
}

/** `cross_origin_request`: a page of another site tried to change something or to open a socket. */
export function crossOriginRequest(): MillraceError {
  return new MillraceError({
    code: "cross_origin_request",
    kind: "forbidden",
    message:
      "This request came from a page of another site. Send it from this server's own pages, or with `Authorization: Bearer`.",
  });
}

/** `token_required`: the server would be reachable by others without a login. The process must not start. */
export function tokenRequired(reason: string): MillraceError {
  return new MillraceError({
    code: "token_required",
    kind: "invalid",
    message: `${reason} Set MILLRACE_TOKEN to at least 16 random characters (for example: openssl rand -hex 24), or keep HOST=127.0.0.1 without PUBLIC_URL.`,
  });
}

/** `address_in_use` or `address_unavailable`: the server can't listen where it was told to. */
export function cannotListen(options: {
  readonly host: string;
  readonly port: number;
  readonly isInUse: boolean;
  readonly cause: unknown;
}): MillraceError {
  const { host, port, isInUse, cause } = options;
  return new MillraceError({
    code: isInUse ? "address_in_use" : "address_unavailable",
    kind: "unavailable",
    message: isInUse
      ? `Port ${port} on ${host} is taken, perhaps by another Millrace. Stop it, or set PORT to another number.`
      : `Can't listen on ${host}, port ${port}. Check HOST and PORT.`,
    cause,
  });
}

/** `route_not_found`: there is nothing under this path. */
export function routeNotFound(): MillraceError {
  return new MillraceError({
    code: "route_not_found",
    kind: "not_found",
    message: "There is nothing under this path. The list of paths is at /openapi.json.",
  });
}

/** `not_found`: an id in the path that can't name anything. */
export function pathNotFound(): MillraceError {
  return new MillraceError({
    code: "not_found",
    kind: "not_found",
    message: "There is nothing with this id. Ids are UUIDs; check it for missing characters.",
  });
}

/** `invalid_request`: the request is well formed, but some of its values can't be used. */
export function invalidRequest(message: string, items: readonly ErrorItem[]): MillraceError {
  return new MillraceError({ code: "invalid_request", kind: "invalid", message, items });
}

/** `malformed_json`: the body is not JSON, or has forbidden keys. */
export function malformedJson(message: string, cause?: unknown): MillraceError {
  return new MillraceError({ code: "malformed_json", kind: "malformed", message, cause });
}

/** `malformed_url`: the request line can't be decoded or is too long. */
export function malformedUrl(): MillraceError {
  return new MillraceError({
    code: "malformed_url",
    kind: "malformed",
    message:
      "The address of this request can't be read. Check its percent signs and its length (8,192 at most).",
  });
}

/** `malformed_request`: what arrived is not the HTTP request it claims to be. */
export function malformedRequest(cause?: unknown): MillraceError {
  return new MillraceError({
    code: "malformed_request",
    kind: "malformed",
    message: "This request could not be read. Check its headers and the length of its body.",
    cause,
  });
}

/** `body_too_large`: the body is over this route's limit. */
export function bodyTooLarge(): MillraceError {
  return new MillraceError({
    code: "body_too_large",
    kind: "too_large",
    message: "The body of this request is larger than this path accepts. Send less at once.",
  });
}

/** `unsupported_media_type`: a content type or content encoding that this path does not read. */
export function unsupportedMediaType(accepted: string): MillraceError {
  return new MillraceError({
    code: "unsupported_media_type",
    kind: "unsupported",
    message: `This path does not read bodies of this type. Send ${accepted}.`,
  });
}

/** `server_busy`: a part of the server did not answer in time, or it is shutting down. */
export function serverBusy(cause?: unknown): MillraceError {
  return new MillraceError({
    code: "server_busy",
    kind: "unavailable",
    message: "The server could not answer in time. Try again in a few seconds.",
    cause,
    retryable: true,
  });
}
