import { setTimeout as delay } from "node:timers/promises";

export type Reply = { readonly status: number; readonly body: unknown };

/** Where requests go: the addresses of the API processes, as they are now. */
export type Addresses = () => readonly string[];

/** Then it is given up and sent to another. */
export const requestLimitMs = 15_000;
const retryPauseMs = 150;

/**
 * Sends a request until somebody takes or refuses it, to one address after the other, as a load balancer with a
 * patient client. An unknown outcome and 5xx are tried again, so requests that create carry an Idempotency-Key.
 * Gives undefined when the signal ends it: then nobody knows.
 */
export async function sendUntilTaken(
  addresses: Addresses,
  request: { readonly method: string; readonly path: string; readonly json?: unknown; readonly key?: string },
  options: { readonly signal: AbortSignal; readonly first: number; readonly prefer?: string },
): Promise<Reply | undefined> {
  for (let attempt = options.first; !options.signal.aborted; attempt++) {
    const known = addresses();
    const address = known[attempt % known.length];
    const reply = address === undefined ? undefined : await send(address, request, options);
    if (reply !== undefined && reply.status < 500 && reply.status !== 429) return reply;
    await delay(retryPauseMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
  return undefined;
}

async function send(
  address: string,
  request: Parameters<typeof sendUntilTaken>[1],
  { signal, prefer }: Parameters<typeof sendUntilTaken>[2],
): Promise<Reply | undefined> {
  const { method, path, json, key } = request;
  try {
    const response = await fetch(address + path, {
      method,
      headers: {
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { "idempotency-key": key }),
        ...(prefer === undefined ? {} : { prefer }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestLimitMs)]),
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
  } catch {
    // Refused, cut, timed out, or an answer cut in the middle: the outcome is unknown.
    return undefined;
  }
}
