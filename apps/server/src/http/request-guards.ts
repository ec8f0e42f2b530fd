import type { FastifyInstance, FastifyRequest } from "fastify";
import { malformedUrl, unsupportedMediaType } from "./errors.ts";
import { assertStorableJson } from "./json-body.ts";

/** The longest query we have is a search text of 1,000 characters. */
const maxUrlLength = 8192;

/** The slowest sender we wait for: half a megabit per second. */
const minBytesPerSecond = 64 * 1024;

/** Timers of more would end at once. */
const maxTimerMs = 2 ** 31 - 1;

/** How long the other side may take. All in milliseconds. */
export type HttpTimeouts = {
  /** For the headers of a request. Default 15 s. */
  readonly headersMs: number;
  /** For any body, before its size counts. Default 60 s: a busy machine, a mobile network. */
  readonly bodyGraceMs: number;
  /**
   * How long a sender may go on after its request was answered. Default 10 s. Closing at once would
   * reset the connection, and browsers would show that instead of our answer.
   */
  readonly lingerMs: number;
};

export const defaultTimeouts: HttpTimeouts = { headersMs: 15_000, bodyGraceMs: 60_000, lingerMs: 10_000 };

/** The longest time that any body of at most this size may take to arrive. */
function bodyTimeoutMs(bytes: number, timeouts: HttpTimeouts): number {
  return timeouts.bodyGraceMs + Math.ceil((bytes / minBytesPerSecond) * 1000);
}

/** Refuses requests that nothing behind should have to understand. */
export function guardRequests(app: FastifyInstance): void {
  app.addHook("onRequest", async (request) => {
    // Postgres can't store NUL; without this each query with one would end as an internal error.
    if (request.url.length > maxUrlLength || request.url.includes("%00")) throw malformedUrl();
    const encoding = request.headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      throw unsupportedMediaType("the body without compression");
    }
  });
  app.addHook("preValidation", async ({ body }) => {
    if (body !== undefined && body !== null && !Buffer.isBuffer(body)) assertStorableJson(body);
  });
}

/**
 * Ends connections whose body arrives too slowly, and those that go on sending long after they
 * were answered. A body gets the time that the route's `bodyLimit` needs, and one that may be larger, such as
 * several files, more as long as it comes fast enough.
 */
export function limitSlowBodies(app: FastifyInstance, timeouts: HttpTimeouts): void {
  app.addHook("onRequest", async (request) => {
    if (!isReceiving(request)) return;
    const { bodyLimit } = request.routeOptions;
    const claimed = Number(request.headers["content-length"] ?? bodyLimit);
    const { socket } = request.raw;
    const before = socket.bytesRead;
    const begunMs = performance.now();
    closeUnlessReceived(request, bodyTimeoutMs(Math.min(claimed, bodyLimit), timeouts), () => {
      return begunMs + bodyTimeoutMs(socket.bytesRead - before, timeouts) - performance.now();
    });
  });
  app.addHook("onResponse", async (request) => endSoon(request, timeouts));
}

/** Lets a sender go on for a moment after it was answered, so that it comes to read the answer. */
export function endSoon(request: FastifyRequest, { lingerMs }: HttpTimeouts): void {
  if (!isReceiving(request)) return;
  // Read and thrown away: what is left unread would block the connection for the next request.
  request.raw.resume();
  closeUnlessReceived(request, lingerMs, () => 0);
}

/** Whether the request has a body of which something is still to come. */
function isReceiving({ raw }: FastifyRequest): boolean {
  const hasBody = raw.headers["transfer-encoding"] !== undefined || Number(raw.headers["content-length"]) > 0;
  return hasBody && !raw.complete && !raw.destroyed;
}

/** `moreMs` says how much longer it may take by then; 0 or less is the end. */
function closeUnlessReceived({ raw }: FastifyRequest, timeoutMs: number, moreMs: () => number): void {
  const { socket } = raw;
  let timer: NodeJS.Timeout;
  const closeAfter = (waitMs: number): void => {
    timer = setTimeout(
      () => {
        const left = moreMs();
        if (left > 0) closeAfter(left);
        else socket.destroy();
      },
      Math.min(waitMs, maxTimerMs),
    );
    // Whoever waits for a slow sender must not keep a process that stops.
    timer.unref();
  };
  closeAfter(timeoutMs);
  const clear = (): void => {
    clearTimeout(timer);
    socket.off("close", clear);
  };
  raw.once("end", clear);
  raw.once("close", clear);
  // A request that was answered before its body had come hears nothing of its connection's end.
  socket.once("close", clear);
}
