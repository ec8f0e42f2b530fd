import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

/** A weak entity tag of anything that can be JSON: equal tags mean equal content, not equal bytes. */
export function weakEtag(value: unknown): string {
  const hash = createHash("sha256")
    .update(JSON.stringify(value) ?? "")
    .digest("base64url");
  return `W/"${hash.slice(0, 22)}"`;
}

/**
 * Sends 304 without a body when the client already has this content (`If-None-Match`), the body
 * with its `ETag` otherwise. Lets the client keep its copy, to be asked about each time.
 */
export function sendWithEtag(request: FastifyRequest, reply: FastifyReply, body: unknown): FastifyReply {
  const etag = weakEtag(body);
  void reply.header("etag", etag).header("cache-control", "private, no-cache");
  if (matchesEtag(request.headers["if-none-match"], etag)) return reply.code(304).send();
  return reply.send(body);
}

/** Weak comparison (RFC 9110): `W/` makes no difference. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  const opaque = etag.replace(/^W\//, "");
  return header.split(",", 50).some((candidate) => candidate.trim().replace(/^W\//, "") === opaque);
}
