import cookie from "@fastify/cookie";
import multipart from "@fastify/multipart";
import websocket from "@fastify/websocket";
import type { Logger } from "@millrace/kernel";
import { newId } from "@millrace/kernel";
import Fastify, { LogController } from "fastify";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { Registry } from "prom-client";
import type { AccessControl } from "./access.ts";
import { protectRoutes } from "./access.ts";
import { answerClientError } from "./client-errors.ts";
import { answerErrors, sendProblem } from "./error-handler.ts";
import { addHealthRoutes, measureRequests } from "./health.ts";
import type { Readiness } from "./health.ts";
import { watchKnownPaths } from "./known-paths.ts";
import { addOpenApi } from "./openapi.ts";
import { bodyTimeoutMs, guardRequests, limitSlowBodies } from "./request-guards.ts";
import { securityHeaders } from "./security-headers.ts";
import { addSessionRoutes } from "./session-routes.ts";
import type { ServerSettings } from "./settings.ts";
import { addWebApp } from "./web-app.ts";

/** JSON bodies of most routes are far below; a route that takes texts sets its own `bodyLimit`. */
const jsonBodyLimit = 1024 * 1024;

/** Frames from browsers are subscriptions of a few hundred bytes. */
const maxFrameBytes = 64 * 1024;

export type HttpAppOptions = {
  readonly settings: ServerSettings;
  readonly logger: Logger;
  readonly access: AccessControl;
  readonly readiness: () => Promise<Readiness>;
  /** The folder of the built browser app. */
  readonly webDirectory: string;
  /** Other parts add their own metrics to it. */
  readonly metrics: Registry;
  readonly version: string;
};

/**
 * The HTTP server without its domain routes: register those next, then listen. Every route added
 * needs access unless it says `config: { access: "public" }`, and is described by its zod schemas.
 */
export async function createHttpApp(options: HttpAppOptions): Promise<FastifyInstance> {
  const { settings, logger, access, metrics } = options;
  const headers = securityHeaders(settings.PUBLIC_URL);
  const app = createFastify(settings, logger, headers);
  const knownPaths = watchKnownPaths(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  // The only built-in parser besides JSON; forms of other sites can send text/plain without asking.
  app.removeContentTypeParser("text/plain");

  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(headers).header("x-request-id", request.id).header("cache-control", "no-store");
  });
  logRequests(app, logger);
  measureRequests(app, metrics);
  limitSlowBodies(app);
  guardRequests(app);
  await app.register(cookie);
  protectRoutes(app, access);
  await app.register(multipart);
  await app.register(websocket, {
    options: {
      maxPayload: maxFrameBytes,
      // Compression costs memory per socket and lets a small frame become a large one.
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has("millrace.v1") ? "millrace.v1" : false),
    },
  });
  await addOpenApi(app, { version: options.version, publicUrl: settings.PUBLIC_URL });

  addHealthRoutes(app, { readiness: options.readiness, metrics, access, logger });
  addSessionRoutes(app, { access });
  const webApp = await addWebApp(app, options.webDirectory);
  answerErrors(app, { logger, knownPaths, webApp });
  return app;
}

function createFastify(
  settings: ServerSettings,
  logger: Logger,
  headers: Readonly<Record<string, string>>,
): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: asFastifyLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { ignoreTrailingSlash: true },
    bodyLimit: jsonBodyLimit,
    onProtoPoisoning: "error",
    onConstructorPoisoning: "error",
    trustProxy: false,
    genReqId: (raw) => acceptableRequestId(raw.headers["x-request-id"]) ?? newId(),
    // Nothing for that long in either direction: the other side is gone or holds us up. Longer
    // than any wait of ours (30 s) and than the pings of sockets and streams.
    connectionTimeout: 120_000,
    keepAliveTimeout: 30_000,
    requestTimeout: bodyTimeoutMs(settings.MAX_UPLOAD_BYTES),
    http: { headersTimeout: 15_000 },
    // While closing, requests of open connections are still answered, with `Connection: close`.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    frameworkErrors: (error, request, reply) => {
      void reply.headers(headers).header("x-request-id", request.id);
      sendProblem(error, request, reply, logger);
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, headers),
  });
  app.server.maxHeadersCount = 100;
  // A limit against running out of file handles, not an expected load. Untuned.
  app.server.maxConnections = 10_000;
  return app;
}

/** A caller may choose the id to follow a request through its own logs, if it looks like an id. */
function acceptableRequestId(given: string | string[] | undefined): string | undefined {
  return typeof given === "string" && /^[\w-]{8,64}$/.test(given) ? given : undefined;
}

function logRequests(app: FastifyInstance, logger: Logger): void {
  app.addHook("onResponse", async (request, reply) => {
    logger.debug(
      {
        request_id: request.id,
        method: request.method,
        // Without the query: it may hold search texts.
        path: request.url.split("?", 1)[0],
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime),
      },
      "request answered",
    );
  });
}

/** Fastify asks for two levels more than we use. */
function asFastifyLogger(logger: Logger): FastifyBaseLogger {
  const quiet = (): void => undefined;
  return {
    level: "debug",
    fatal: logger.error.bind(logger),
    error: logger.error.bind(logger),
    warn: logger.warn.bind(logger),
    // "Server listening" and the like: our own start message says it better.
    info: logger.debug.bind(logger),
    debug: quiet,
    trace: quiet,
    silent: quiet,
    child: (bindings) => asFastifyLogger(logger.child(bindings)),
  };
}
