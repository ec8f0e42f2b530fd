import type { FastifyRequest } from "fastify";
import { malformedSince, malformedUntil, unknownParameter } from "../errors.ts";

/** What a client of an event stream asks for. */
export type EventStreamQuery = {
  /** The last number it has seen; 0 for everything there is. */
  readonly since: number;
  /** Whether the stream ends with the work. */
  readonly untilFinished: boolean;
};

/**
 * Reads `?since=`, `?until=finished` and `Last-Event-ID`. The header wins: a browser that reconnects
 * repeats its first address, and only the header knows how far it came. Throws `malformed_since`,
 * `malformed_until` or `unknown_field`.
 */
export function readEventStreamQuery(request: FastifyRequest): EventStreamQuery {
  const query = request.query;
  const parameters = typeof query === "object" && query !== null ? Object.entries(query) : [];
  let since = 0;
  let untilFinished = false;
  for (const [name, value] of parameters) {
    if (name === "since") since = parseSince(value);
    else if (name !== "until") throw unknownParameter(name);
    else if (value !== "finished") throw malformedUntil();
    else untilFinished = true;
  }
  const lastEventId = request.headers["last-event-id"];
  if (lastEventId !== undefined && lastEventId !== "") since = parseSince(lastEventId);
  return { since, untilFinished };
}

/** A number from a query or header. Throws `malformed_since`. */
export function parseSince(value: unknown): number {
  if (typeof value === "string" && /^\d{1,15}$/u.test(value)) return Number(value);
  throw malformedSince(String(value));
}
