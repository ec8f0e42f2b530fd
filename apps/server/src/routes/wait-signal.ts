import type { FastifyReply } from "fastify";

/** Aborts a request's wait: when the client has gone, or when the server stops. */
export function waitSignal(reply: FastifyReply, stopping: AbortSignal): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  if (reply.raw.destroyed) gone.abort();
  return AbortSignal.any([gone.signal, stopping]);
}
