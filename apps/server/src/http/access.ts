import type { Access, Clock } from "@millrace/kernel";
import { localAccess, systemClock } from "@millrace/kernel";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { unauthorized } from "./errors.ts";
import { assertSafeBinding } from "./loopback.ts";
import { assertLocalHost, assertSameOrigin, needsOrigin } from "./origin.ts";
import { createSessions } from "./session.ts";
import type { Sessions } from "./session.ts";
import type { ServerSettings } from "./settings.ts";

declare module "fastify" {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- only an interface can be extended
  interface FastifyContextConfig {
    /** `public` opens a route to strangers. Without it a route needs access, whatever its path. */
    access?: "public";
  }
}

/** Who may do what before accounts exist. */
export type AccessControl = {
  /** On whose behalf the request is made. Throws `unauthorized`. */
  readonly authenticate: (request: FastifyRequest) => Promise<Access>;
  /** The same as an answer, for routes that show strangers less. */
  readonly isKnown: (request: FastifyRequest) => boolean;
  /** Undefined when no token is set: then there is no login. */
  readonly sessions: Sessions | undefined;
  readonly sessionCookie: { readonly name: string; readonly isSecure: boolean };
  /** Throws `host_not_allowed`, `cross_origin_request` or, on a route that is not public, `unauthorized`. */
  readonly assertAllowed: (request: FastifyRequest) => void;
};

type AccessSettings = Pick<ServerSettings, "HOST" | "MILLRACE_TOKEN" | "PUBLIC_URL">;

/**
 * Without MILLRACE_TOKEN, on loopback: everybody on this machine, under a local name and from our
 * own pages. With it: those who send it as bearer, or a session cookie that was given for it.
 * Throws `token_required` for settings that would let strangers in.
 */
export function createAccessControl(options: {
  readonly settings: AccessSettings;
  readonly clock?: Clock;
  /** False: the token alone, for who does not hear which sessions were signed out. Default true. */
  readonly takesCookies?: boolean;
}): AccessControl {
  const { settings, clock = systemClock, takesCookies = true } = options;
  assertSafeBinding(settings);
  const { MILLRACE_TOKEN: token, PUBLIC_URL: publicUrl } = settings;
  const sessions = token === undefined ? undefined : createSessions({ token, clock });
  const isSecure = publicUrl?.startsWith("https:") === true;
  const sessionCookie = { name: isSecure ? "__Host-millrace" : "millrace_session", isSecure };

  const isKnown = (request: FastifyRequest): boolean => {
    if (sessions === undefined) return true;
    const bearer = bearerOf(request);
    // A wrong key is not made good by a cookie that happens to be there.
    if (bearer !== undefined) return sessions.isToken(bearer);
    const cookie = request.cookies[sessionCookie.name];
    return takesCookies && cookie !== undefined && sessions.isValid(cookie);
  };

  const assertAllowed = (request: FastifyRequest): void => {
    const { headers } = request;
    if (sessions === undefined) assertLocalHost(headers, publicUrl);
    // What another site's page makes a browser send never has our token as bearer.
    const hasToken = sessions?.isToken(bearerOf(request) ?? "") === true;
    if (!hasToken && needsOrigin(request.method, headers)) {
      const mustBeKnown = request.cookies[sessionCookie.name] !== undefined;
      assertSameOrigin(headers, { publicUrl, mustBeKnown });
    }
    if (!isPublic(request) && !isKnown(request)) throw unauthorized();
  };

  return {
    isKnown,
    sessions,
    sessionCookie,
    assertAllowed,
    authenticate: async (request) => {
      if (!isKnown(request)) throw unauthorized();
      return localAccess;
    },
  };
}

/** Guards every route that is added to the app, and unknown paths below `/api` and `/ws`. */
export function protectRoutes(app: FastifyInstance, access: AccessControl): void {
  app.addHook("onRequest", async (request) => {
    access.assertAllowed(request);
  });
}

/**
 * Judged by the route that matched, never by the text of the address: the router decodes
 * `/%61pi/…` to `/api/…`. Unknown paths have no route; strangers learn nothing of ours below `/api`.
 */
function isPublic(request: FastifyRequest): boolean {
  if (request.is404) return !/^\/(?:api|ws)(?:[/?]|$)/.test(request.url);
  return request.routeOptions.config.access === "public";
}

/** The bearer token, the empty string for another scheme, undefined without the header. */
function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "";
}
