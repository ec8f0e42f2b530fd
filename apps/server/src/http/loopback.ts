import { isIP } from "node:net";
import type { ServerSettings } from "./settings.ts";
import { minTokenLength } from "./settings.ts";
import { tokenRequired } from "./errors.ts";

/** Whether only programs of this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (address === "localhost") return true;
  // Other spellings of ::1 count as foreign: too strict is the safe mistake here.
  return isIP(address) === 4 ? address.startsWith("127.") : address === "::1";
}

/**
 * Throws `token_required` when others could reach the server without a login: a HOST that is not
 * loopback, or a PUBLIC_URL of another machine (a proxy publishes the loopback port), while
 * MILLRACE_TOKEN is missing or too short. Call it before listening.
 */
export function assertSafeBinding(
  settings: Pick<ServerSettings, "HOST" | "MILLRACE_TOKEN" | "PUBLIC_URL">,
): void {
  const { HOST, MILLRACE_TOKEN, PUBLIC_URL } = settings;
  if (MILLRACE_TOKEN !== undefined) {
    if (MILLRACE_TOKEN.length < minTokenLength) throw tokenRequired("MILLRACE_TOKEN is too short.");
    return;
  }
  if (!isLoopback(HOST)) {
    throw tokenRequired(`HOST=${HOST} can be reached from other machines, and nobody would have to sign in.`);
  }
  if (PUBLIC_URL !== undefined && !isLoopback(new URL(PUBLIC_URL).hostname)) {
    throw tokenRequired(`PUBLIC_URL=${PUBLIC_URL} is open to others, and nobody would have to sign in.`);
  }
}
