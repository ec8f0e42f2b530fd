import type { IncomingHttpHeaders } from "node:http";
import { isLoopback } from "./loopback.ts";
import { crossOriginRequest, hostNotAllowed } from "./errors.ts";

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Whether the request may change something or opens a socket, so that its origin matters. */
export function needsOrigin(method: string, headers: IncomingHttpHeaders): boolean {
  return !safeMethods.has(method) || headers.upgrade !== undefined;
}

/**
 * Without a token everything rests on being local: a page of another site that has its own name
 * resolve to 127.0.0.1 (DNS rebinding) betrays itself by that name. Throws `host_not_allowed`.
 */
export function assertLocalHost(headers: IncomingHttpHeaders, publicUrl: string | undefined): void {
  const host = parsedHost(headers.host);
  if (host === undefined) throw hostNotAllowed();
  if (isLoopback(host.hostname)) return;
  if (publicUrl !== undefined && host.hostname === new URL(publicUrl).hostname) return;
  throw hostNotAllowed();
}

/**
 * Throws `cross_origin_request` unless the browser says that the request comes from our own pages.
 * Programs that are no browsers send neither header; `mustBeKnown` refuses them too, for requests
 * that a cookie identifies.
 */
export function assertSameOrigin(
  headers: IncomingHttpHeaders,
  options: { readonly publicUrl: string | undefined; readonly mustBeKnown: boolean },
): void {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") throw crossOriginRequest();
  const { origin } = headers;
  if (origin !== undefined) {
    if (!isOurs(origin, headers.host, options.publicUrl)) throw crossOriginRequest();
    return;
  }
  if (site === undefined && options.mustBeKnown) throw crossOriginRequest();
}

/** The scheme is not compared with ours: a proxy that ends TLS hides it. */
function isOurs(origin: string, host: string | undefined, publicUrl: string | undefined): boolean {
  const parsed = URL.parse(origin);
  if (parsed === null || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) return false;
  if (publicUrl !== undefined && parsed.origin === new URL(publicUrl).origin) return true;
  const own = host === undefined ? null : URL.parse(`${parsed.protocol}//${host}`);
  return own !== null && parsed.host === own.host;
}

function parsedHost(host: string | undefined): URL | undefined {
  if (host === undefined || !/^[a-z0-9.:[\]_-]+$/i.test(host)) return undefined;
  return URL.parse(`http://${host}`) ?? undefined;
}
