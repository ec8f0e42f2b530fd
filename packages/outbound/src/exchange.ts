import { request as requestHttp } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type { LookupFunction, Socket } from "node:net";
import type { Target } from "./check-url.ts";
import { fetchFailed, fetchTimedOut, urlNotReachable } from "./outbound-errors.ts";
import { sameForm } from "./public-address.ts";

export type Times = {
  /** To resolve the name, to connect and to agree on TLS. */
  readonly connectMs: number;
  /** Without a byte. */
  readonly idleMs: number;
  /** From the first URL to the last byte, with all redirects. */
  readonly totalMs: number;
};

/** What is asked, and of which addresses. */
type Asked = {
  readonly target: Target;
  readonly addresses: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** What is left of the time to connect. */
  readonly connectMs: number;
  readonly idleMs: number;
  readonly signal: AbortSignal;
};

/** Servers send 1 to 4 KiB; Node's own limit is the same, but may be raised for the process. */
const maxHeaderBytes = 16_384;

/**
 * One request over a connection of its own, to one of the addresses and no other. Resolves with the answer
 * when its headers are there; its body fails with `fetch_timed_out` or `fetch_failed`.
 */
export function exchange(asked: Asked): Promise<IncomingMessage> {
  const { target, connectMs, idleMs, signal } = asked;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = send(asked);
  let answer: IncomingMessage | undefined;
  // A request that has its answer tells nobody of its end: from then on the body does.
  const end = (error: Error): void => void (answer ?? request).destroy(error);
  const connecting = setTimeout(() => end(fetchTimedOut("connect", connectMs)), connectMs);
  const onAbort = (): void =>
    end(signal.reason instanceof Error ? signal.reason : fetchFailed(signal.reason));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();

  request.on("socket", (socket) => {
    const onConnected = (): void => {
      clearTimeout(connecting);
      if (!isOneOf(asked.addresses, socket)) end(urlNotReachable());
    };
    socket.once(target.url.protocol === "https:" ? "secureConnect" : "connect", onConnected);
  });
  request.setTimeout(idleMs, () => end(fetchTimedOut("idle", idleMs)));
  request.once("close", () => {
    clearTimeout(connecting);
    signal.removeEventListener("abort", onAbort);
    // A server that changes to another protocol ends it without an answer and without an error.
    reject(fetchFailed(new Error("the connection was closed without an answer")));
  });
  request.on("error", reject);
  request.once("response", (response) => {
    answer = response;
    resolve(response);
  });
  request.end();
  return promise;
}

function send({ target, addresses, headers }: Asked): ClientRequest {
  const { url, host, port } = target;
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return request({
    host,
    port,
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, connection: "close" },
    // No connection that another request has opened, and none of an agent that goes by a proxy.
    agent: false,
    // Not asked for an IP address: that was checked as it is.
    lookup: pinned(addresses),
    maxHeaderSize: maxHeaderBytes,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
}

/** Answers with what was resolved and checked before, whatever the name leads to by now. */
function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const [first] = all;
    if (options.all === true) callback(null, all);
    else callback(null, first?.address ?? "", first?.family);
  };
}

/** The last look, at what the socket itself says. */
function isOneOf(addresses: readonly string[], { remoteAddress }: Socket): boolean {
  return remoteAddress !== undefined && addresses.map(sameForm).includes(sameForm(remoteAddress));
}
