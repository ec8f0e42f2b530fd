import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Target } from "./check-url.ts";
import { urlNotReachable } from "./outbound-errors.ts";
import { isPublicAddress } from "./public-address.ts";

/** Gives all addresses of a name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** As every other program on this machine resolves it. */
export const resolveAsSystem: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/**
 * The addresses to connect to, resolved once: what a name leads to later plays no part. One that is not
 * public is enough to refuse all. Throws `url_not_reachable`.
 */
export async function resolveTarget(
  { host, isAllowed }: Target,
  resolve: Resolve,
): Promise<readonly [string, ...string[]]> {
  const addresses = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
  const [first, ...others] = addresses;
  if (first === undefined || addresses.some((address) => isIP(address) === 0)) throw urlNotReachable();
  if (!isAllowed && !addresses.every(isPublicAddress)) throw urlNotReachable();
  return [first, ...others];
}
