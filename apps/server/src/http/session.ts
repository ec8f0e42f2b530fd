import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "@millrace/kernel";

/** A week: long enough not to annoy, short enough that a forgotten browser closes by itself. */
export const sessionSeconds = 7 * 24 * 3600;

/** Signed-out sessions are remembered until they would have ended, but never more than this many. */
const maxRevoked = 10_000;

const form = /^v1\.(\d{10})\.([\w-]{22})\.([\w-]{43})$/;

/** Sessions of browsers, signed with a key made from the token: they survive a restart of the server. */
export type Sessions = {
  /** A new session value that ends after `sessionSeconds`. */
  readonly issue: () => string;
  /** Whether we issued it under the present token, it has not ended and was not revoked. */
  readonly isValid: (value: string) => boolean;
  /** Ends a session before its time, in this process and until it restarts. */
  readonly revoke: (value: string) => void;
  /** Whether this is the token, compared in constant time. */
  readonly isToken: (candidate: string) => boolean;
};

/** Changing the token ends every session, since their key is derived from it. */
export function createSessions(options: { readonly token: string; readonly clock: Clock }): Sessions {
  const { clock } = options;
  const key = Buffer.from(hkdfSync("sha256", options.token, "", "millrace browser session v1", 32));
  const tokenHash = sha256(options.token);
  const revoked = new Set<string>();
  const nowSeconds = () => Math.floor(clock.now().getTime() / 1000);
  const sign = (text: string) => createHmac("sha256", key).update(text).digest();

  return {
    issue: () => {
      const content = `v1.${nowSeconds() + sessionSeconds}.${randomBytes(16).toString("base64url")}`;
      return `${content}.${sign(content).toString("base64url")}`;
    },
    isValid: (value) => {
      const [, endsAt, id, signature] = form.exec(value) ?? [];
      if (endsAt === undefined || id === undefined || signature === undefined) return false;
      const expected = sign(`v1.${endsAt}.${id}`);
      const isSigned = timingSafeEqual(expected, Buffer.from(signature, "base64url"));
      return isSigned && Number(endsAt) > nowSeconds() && !revoked.has(id);
    },
    revoke: (value) => {
      const id = form.exec(value)?.[2];
      if (id === undefined) return;
      revoked.add(id);
      const [oldest] = revoked;
      if (revoked.size > maxRevoked && oldest !== undefined) revoked.delete(oldest);
    },
    isToken: (candidate) => timingSafeEqual(sha256(candidate), tokenHash),
  };
}

/** Hashed first, so that neither the length nor the place of a difference can be timed. */
function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
