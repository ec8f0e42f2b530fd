import type { FastifyReply, FastifyRequest } from "fastify";
import { parsePrefer, preferenceApplied } from "../http/index.ts";
import { waitSignal } from "./wait-signal.ts";

/**
 * How long a request is ready to wait for the end of work (`Prefer: wait=N`), with a signal that aborts when the
 * client has gone or the server stops; undefined: not at all. Says in the reply that it was heeded.
 */
export function preferredWait(
  request: FastifyRequest,
  reply: FastifyReply,
  stopping: AbortSignal,
): { readonly timeoutMs: number; readonly signal: AbortSignal } | undefined {
  const { waitSeconds = 0 } = parsePrefer(request.headers.prefer);
  if (waitSeconds === 0) return undefined;
  void reply.header("preference-applied", preferenceApplied(waitSeconds));
  return { timeoutMs: waitSeconds * 1000, signal: waitSignal(reply, stopping) };
}
