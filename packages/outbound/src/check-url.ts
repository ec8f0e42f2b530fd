import { invalidUrl } from "./outbound-errors.ts";

/** Where a URL leads, when nothing about its text is against it. */
export type Target = {
  readonly url: URL;
  /** A name or an IP address, without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  /** The operator has named it: its address may be of an own network. */
  readonly isAllowed: boolean;
};

export type AllowedHost = { readonly host: string; readonly port: number | undefined };

const maxUrlLength = 2_048;
const usualPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/**
 * Checks all of a URL but the address of its host. The parser of the platform has brought the host into one
 * form by then: `0x7f.1`, `2130706433` and full-width digits are IPv4 addresses like any other. Throws
 * `invalid_url`.
 */
export function checkUrl(
  text: string,
  rules: { readonly ports: readonly number[]; readonly allowedHosts: readonly AllowedHost[] },
): Target {
  if (text.length > maxUrlLength) throw invalidUrl(`it is longer than ${maxUrlLength} characters`);
  if (!URL.canParse(text)) throw invalidUrl("it is no whole URL, such as https://example.com/page");
  const url = new URL(text);
  const usualPort = usualPorts[url.protocol];
  if (usualPort === undefined) throw invalidUrl("only http and https are fetched");
  if (url.username !== "" || url.password !== "") throw invalidUrl("it holds a user name or a password");
  const host = hostOf(url);
  const port = url.port === "" ? usualPort : Number(url.port);
  const named = rules.allowedHosts.filter((allowed) => allowed.host === host);
  const isAllowed = named.some((allowed) => allowed.port === undefined || allowed.port === port);
  const isPortNamed = named.some((allowed) => allowed.port === port);
  if (!isPortNamed && !rules.ports.includes(port)) {
    throw invalidUrl(`only the ports ${rules.ports.join(", ")} are fetched from`);
  }
  return { url, host, port, isAllowed };
}

/** `intranet.example` (on the usual ports) or `intranet.example:8080`. Throws `invalid_url`. */
export function parseAllowedHost(text: string): AllowedHost {
  const written = `http://${text}`;
  const url = URL.canParse(written) ? new URL(written) : undefined;
  const isOnlyHost = url !== undefined && url.username === "" && url.pathname === "/" && url.search === "";
  if (!isOnlyHost || /[/?#\\@]/.test(text)) {
    throw invalidUrl(
      `"${text}" among the allowed hosts is no host; write intranet.example or intranet.example:8080`,
    );
  }
  // The parser leaves out 80, the usual port of its scheme.
  const port = url.port === "" ? (text.endsWith(":80") ? 80 : undefined) : Number(url.port);
  return { host: hostOf(url), port };
}

/** The dot of the root changes nothing about where a name leads. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}
