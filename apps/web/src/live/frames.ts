import type { ServerFrame } from "@millrace/contracts";

/** The close code of a socket whose session is not, or no longer, signed in. */
export const unauthorizedClose = 4401;

const kinds: Record<ServerFrame["t"], true> = {
  hello: true,
  snap: true,
  ev: true,
  reset: true,
  pong: true,
  err: true,
};

/**
 * A frame of the server, or undefined for what we do not know: newer servers may send more. Only
 * the envelope is checked; the server validates what it sends.
 */
export function readFrame(text: unknown): ServerFrame | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || !("t" in parsed)) return undefined;
    return typeof parsed.t === "string" && parsed.t in kinds ? (parsed as ServerFrame) : undefined;
  } catch {
    // Half a frame or another server's answer: reconnecting would not make it readable.
    return undefined;
  }
}
