import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "@millrace/kernel";

/** A week: long enough not to annoy, short enough that a forgotten browser closes by itself. */
export const sessionSeconds = 7 * 24 * 3600;

const form = /^v1\.(\d{10})\.([\w-]{22})\.([\w-]{43})$/;

/** What is kept of a session that was signed out. */
export type SessionMark = { readonly id: string; readonly endsAtSeconds: number };

/** Sessions of browsers, signed with a key made from the token: they survive a restart of the server. */
export type Sessions = {
  /** A new session value that ends after `sessionSeconds`. */
  readonly issue: () => string;
  /** Whether we issued it under the present token, it has not ended and was not signed out. */
  readonly isValid: (value: string) => boolean;
  /** Which session this is, if we issued it and its time is not over, signed out or not. */
  readonly identify: (value: string) => SessionMark | undefined;
  /** Ends a session before its time, in this process and until it restarts. */
  readonly end: (session: SessionMark) => void;
  /** Whether this is the token, compared in constant time. */
  readonly isToken: (candidate: string) => boolean;
};

/** Changing the token ends every session, since their key is derived from it. */
export function createSessions(options: { readonly token: string; readonly clock: Clock }): Sessions {
  const { clock } = options;
  const key = Buffer.from(hkdfSync("sha256", options.token, "", "millrace browser session v1", 32));
  const tokenHash = sha256(options.token);
  /** When they would have ended by themselves. */
  const ended = new Map<string, number>();
  const nowSeconds = () => Math.floor(clock.now().getTime() / 1000);
  const sign = (text: string) => createHmac("sha256", key).update(text).digest();
  const identify = (value: string): SessionMark | undefined => {
    const [, endsAt, id, signature] = form.exec(value) ?? [];
    if (endsAt === undefined || id === undefined || signature === undefined) return undefined;
    const isSigned = timingSafeEqual(sign(`v1.${endsAt}.${id}`), Buffer.from(signature, "base64url"));
    return isSigned && Number(endsAt) > nowSeconds() ? { id, endsAtSeconds: Number(endsAt) } : undefined;
  };

  return {
    issue: () => {
      const content = `v1.${nowSeconds() + sessionSeconds}.${randomBytes(16).toString("base64url")}`;
      return `${content}.${sign(content).toString("base64url")}`;
    },
    isValid: (value) => {
      const session = identify(value);
      return session !== undefined && !ended.has(session.id);
    },
    identify,
    end: ({ id, endsAtSeconds }) => {
      for (const [known, endsAt] of ended) if (endsAt <= nowSeconds()) ended.delete(known);
      ended.set(id, endsAtSeconds);
    },
    isToken: (candidate) => timingSafeEqual(sha256(candidate), tokenHash),
  };
}

/** Hashed first, so that neither the length nor the place of a difference can be timed. */
function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
