import { isMillraceError } from "@millrace/kernel";
import type { IncomingMessage } from "node:http";
import { checkUrl, parseAllowedHost } from "./check-url.ts";
import type { AllowedHost, Target } from "./check-url.ts";
import { assertContentType, decodeText, parseContentType } from "./content-type.ts";
import { exchange } from "./exchange.ts";
import type { Times } from "./exchange.ts";
import { fetchFailed, fetchTimedOut, invalidUrl, tooManyRedirects } from "./outbound-errors.ts";
import { acceptedEncodings, readBody } from "./read-body.ts";
import { resolveAsSystem, resolveTarget } from "./resolve-host.ts";
import type { Resolve } from "./resolve-host.ts";

export type SafeFetchOptions = {
  /**
   * Hosts that may be of an own network, as `intranet.example` or `intranet.example:8080`: only an operator
   * can know. Default none.
   */
  readonly allowedHosts?: readonly string[];
  /** Default 80 and 443; an allowed host with a port adds that for itself. */
  readonly ports?: readonly number[];
  /** Default: 3 s to connect, 10 s without a byte, 30 s in all. */
  readonly times?: Partial<Times>;
  /** Default "millrace". */
  readonly userAgent?: string;
  /** Default: as the system does. */
  readonly resolve?: Resolve;
};

export type FetchRequest = {
  /** Types of content that are read: `text/html`, `text/*`. Default texts, JSON and XML. */
  readonly contentTypes?: readonly string[];
  /** Of the body, unpacked. Default 5 MiB. */
  readonly maxBytes?: number;
  /** Default 5. */
  readonly maxRedirects?: number;
  readonly signal?: AbortSignal;
};

export type FetchedResource = {
  /** After all redirects. */
  readonly url: string;
  readonly status: number;
  /** Without its parameters, in lower case. */
  readonly contentType: string;
  readonly body: Uint8Array;
  /** The body as text, in the character set that its type names; UTF-8 where it names none that is known. */
  readonly text: () => string;
};

const usualTimes: Times = { connectMs: 3_000, idleMs: 10_000, totalMs: 30_000 };
const usualTypes = ["text/*", "application/json", "application/xml", "application/xhtml+xml"];
const usualMaxBytes = 5 * 1024 * 1024;

/**
 * Fetches URLs that people and models give, and cannot be made to reach what is not on the public internet:
 * see the README for what it promises. GET without cookies and without credentials; each fetch is by itself.
 */
export class SafeFetch {
  readonly #rules: { readonly ports: readonly number[]; readonly allowedHosts: readonly AllowedHost[] };
  readonly #times: Times;
  readonly #userAgent: string;
  readonly #resolve: Resolve;

  /** Throws `invalid_url` for an allowed host that is none. */
  constructor(options: SafeFetchOptions = {}) {
    const { allowedHosts = [], ports = [80, 443] } = options;
    this.#rules = { ports, allowedHosts: allowedHosts.map(parseAllowedHost) };
    this.#times = { ...usualTimes, ...options.times };
    this.#userAgent = options.userAgent ?? "millrace";
    this.#resolve = options.resolve ?? resolveAsSystem;
  }

  /**
   * What a URL gives, whatever its status. Throws `invalid_url`, `url_not_reachable`, `too_many_redirects`,
   * `content_type_not_allowed`, `response_too_large`, `fetch_timed_out` and `fetch_failed`, of which the last
   * two are worth another try; and the reason of the signal.
   */
  async fetch(url: string, request: FetchRequest = {}): Promise<FetchedResource> {
    const { totalMs } = this.#times;
    const time = new AbortController();
    const timer = setTimeout(() => time.abort(fetchTimedOut("total", totalMs)), totalMs);
    const signal =
      request.signal === undefined ? time.signal : AbortSignal.any([time.signal, request.signal]);
    try {
      return await this.#follow(url, request, signal);
    } catch (error) {
      // However the connection ended after that: this is why.
      signal.throwIfAborted();
      throw isMillraceError(error) ? error : fetchFailed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #follow(first: string, request: FetchRequest, signal: AbortSignal): Promise<FetchedResource> {
    const { maxRedirects = 5, maxBytes = usualMaxBytes, contentTypes = usualTypes } = request;
    let target = checkUrl(first, this.#rules);
    for (let redirects = 0; ; redirects++) {
      const response = await this.#ask(target, contentTypes, signal);
      try {
        const next = redirectOf(response, target);
        if (next === undefined) return await read(response, target, { contentTypes, maxBytes });
        if (redirects >= maxRedirects) throw tooManyRedirects(maxRedirects);
        assertNotPlainer(target.url, next);
        target = checkUrl(next.href, this.#rules);
      } finally {
        response.destroy();
      }
    }
  }

  async #ask(target: Target, contentTypes: readonly string[], signal: AbortSignal): Promise<IncomingMessage> {
    const { connectMs, idleMs } = this.#times;
    const startedAt = performance.now();
    const addresses = await within(resolveTarget(target, this.#resolve), connectMs, signal);
    const leftMs = Math.max(1, connectMs - (performance.now() - startedAt));
    const headers = {
      accept: contentTypes.join(", "),
      "accept-encoding": acceptedEncodings,
      "user-agent": this.#userAgent,
    };
    return await exchange({ target, addresses, headers, connectMs: leftMs, idleMs, signal });
  }
}

async function read(
  response: IncomingMessage,
  { url }: Target,
  { contentTypes, maxBytes }: { readonly contentTypes: readonly string[]; readonly maxBytes: number },
): Promise<FetchedResource> {
  const { type, charset } = parseContentType(response.headers["content-type"]);
  assertContentType(type, contentTypes);
  const body = await readBody(response, maxBytes);
  return {
    url: url.href,
    status: response.statusCode ?? 0,
    contentType: type,
    body,
    text: () => decodeText(body, charset),
  };
}

const redirecting: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);

/** Where an answer leads on to; undefined for one that is the end. */
function redirectOf({ statusCode, headers }: IncomingMessage, { url }: Target): URL | undefined {
  if (!redirecting.has(statusCode) || headers.location === undefined) return undefined;
  if (!URL.canParse(headers.location, url.href)) throw invalidUrl("it redirects to what is no URL");
  return new URL(headers.location, url);
}

/** Who asked by TLS is not answered without it. */
function assertNotPlainer(from: URL, to: URL): void {
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw invalidUrl("it redirects from https to http");
  }
}

/** A resolver knows no signal and may take half a minute: it is left to itself then. */
async function within<Value>(work: Promise<Value>, connectMs: number, signal: AbortSignal): Promise<Value> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  // Nobody listens to it for a caller who has left already: its failure would end the process.
  work.catch(() => undefined);
  const timer = setTimeout(() => reject(fetchTimedOut("connect", connectMs)), connectMs);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, stopped]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
