import { createHash } from "node:crypto";
import type { IdempotentRequest, StoredAnswer } from "@millrace/database";
import type { JsonValue } from "@millrace/kernel";
import { MillraceError } from "@millrace/kernel";
import type { FastifyReply, FastifyRequest } from "fastify";

const maxKeyLength = 255;

/**
 * The key of `Idempotency-Key`, undefined without the header. It is a quoted structured-field
 * string; bare values are taken too, since most clients send those. Throws
 * `invalid_idempotency_key`.
 */
export function parseIdempotencyKey(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== "string") throw invalidKey();
  const text = header.trim();
  const quoted = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(text)?.[1];
  const key = quoted === undefined ? text : quoted.replace(/\\(["\\])/g, "$1");
  // Node joins repeated headers with a comma: two keys are a mistake, not a key.
  const isBare = /^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/.test(text);
  if ((quoted === undefined && !isBare) || key === "" || key.length > maxKeyLength) throw invalidKey();
  return key;
}

/**
 * A hash that is the same for the same request whatever the order of its fields. For an upload,
 * `content` holds the fields and the hash of the file instead of its bytes.
 */
export function requestFingerprint(route: string, content: JsonValue): string {
  return createHash("sha256")
    .update(`${route}\n${canonical(content)}`)
    .digest("hex");
}

/**
 * Key, route and fingerprint of a request; undefined when it carries no key. Throws
 * `invalid_idempotency_key`.
 */
export function readIdempotency(request: FastifyRequest, content: JsonValue): IdempotentRequest | undefined {
  const key = parseIdempotencyKey(request.headers["idempotency-key"]);
  if (key === undefined) return undefined;
  const route = `${request.method} ${request.routeOptions.url ?? ""}`;
  return { key, route, fingerprint: requestFingerprint(route, content) };
}

/**
 * Sends the stored response of the first request with this key again, marked with
 * `Idempotent-Replayed: true`. Throws `idempotency_key_reused` when the first one asked for
 * something else.
 */
export function replayResponse(
  reply: FastifyReply,
  options: { readonly request: IdempotentRequest | undefined; readonly stored: StoredAnswer },
): FastifyReply {
  const { request, stored } = options;
  assertSameRequest({ fingerprint: request?.fingerprint ?? "" }, stored);
  return (
    reply
      .code(stored.status)
      .headers(stored.headers)
      .header("idempotent-replayed", "true")
      .type("application/json; charset=utf-8")
      // As it was stored, even if the shape of new responses has grown since.
      .serializer((body) => JSON.stringify(body))
      .send(stored.body)
  );
}

/** Throws `idempotency_key_reused` when the first request with this key asked for something else. */
export function assertSameRequest(
  request: Pick<IdempotentRequest, "fingerprint">,
  stored: Pick<StoredAnswer, "fingerprint">,
): void {
  if (stored.fingerprint !== request.fingerprint) throw keyReused();
}

function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function invalidKey(): MillraceError {
  return new MillraceError({
    code: "invalid_idempotency_key",
    kind: "invalid",
    message: `Idempotency-Key has to be one value of 1 to ${maxKeyLength} printable ASCII characters, such as a UUID.`,
  });
}

function keyReused(): MillraceError {
  return new MillraceError({
    code: "idempotency_key_reused",
    kind: "invalid",
    message: "This Idempotency-Key was used for another request. Make a new key for each new request.",
  });
}
