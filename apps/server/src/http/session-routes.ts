import type { Clock } from "@millrace/kernel";
import { systemClock } from "@millrace/kernel";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { AccessControl } from "./access.ts";
import { createAttemptLimit } from "./attempt-limit.ts";
import { invalidToken, tooManyAttempts } from "./errors.ts";
import { sessionSeconds } from "./session.ts";
import type { SessionMark } from "./session.ts";

/** Whether a browser has to sign in, and whether it has. */
const sessionSchema = z.object({ required: z.boolean(), signed_in: z.boolean() }).meta({ id: "Session" });

const signInSchema = z.strictObject({ token: z.string().max(512) }).meta({ id: "SignIn" });

/** `GET`, `POST` and `DELETE /api/session`: how a browser turns the token into a cookie, once. */
export function addSessionRoutes(
  app: FastifyInstance,
  options: {
    readonly access: AccessControl;
    readonly clock?: Clock;
    /** Tells other processes, and this one after a restart. Default: they are not told. */
    readonly keepEnded?: ((session: SessionMark) => Promise<void>) | undefined;
  },
): void {
  const { access, clock = systemClock, keepEnded } = options;
  const { sessions, sessionCookie } = access;
  const limit = createAttemptLimit(clock);
  const cookieOptions = {
    path: "/",
    httpOnly: true,
    sameSite: "lax",
    secure: sessionCookie.isSecure,
  } as const;
  const state = (request: FastifyRequest) => ({
    required: sessions !== undefined,
    signed_in: access.isKnown(request),
  });
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const config = { access: "public" } as const;
  const tags = ["session"];

  routes.get(
    "/api/session",
    { config, schema: { tags, summary: "Whether to sign in", response: { 200: sessionSchema } } },
    async (request) => state(request),
  );

  routes.post(
    "/api/session",
    {
      config,
      schema: {
        tags,
        summary: "Sign in with the token",
        body: signInSchema,
        response: { 200: sessionSchema },
      },
    },
    async (request, reply) => {
      if (sessions === undefined) return state(request);
      const waitSeconds = limit.waitSeconds(request.ip);
      if (waitSeconds !== undefined) throw tooManyAttempts(waitSeconds);
      if (!sessions.isToken(request.body.token)) {
        limit.recordFailure(request.ip);
        throw invalidToken();
      }
      void reply.setCookie(sessionCookie.name, sessions.issue(), {
        ...cookieOptions,
        maxAge: sessionSeconds,
      });
      return { required: true, signed_in: true };
    },
  );

  routes.delete(
    "/api/session",
    { config, schema: { tags, summary: "Sign out", response: { 200: sessionSchema } } },
    async (request, reply) => {
      const session = sessions?.identify(request.cookies[sessionCookie.name] ?? "");
      if (session !== undefined) {
        // When this fails nothing has changed, and the browser can try again.
        await keepEnded?.(session);
        sessions?.end(session);
      }
      void reply.clearCookie(sessionCookie.name, cookieOptions);
      return { required: sessions !== undefined, signed_in: sessions === undefined };
    },
  );
}
