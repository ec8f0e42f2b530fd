import type { IncomingMessage } from "node:http";
import cookie from "@fastify/cookie";
import multipart from "@fastify/multipart";
import type { Logger } from "@millrace/kernel";
import { newId } from "@millrace/kernel";
import Fastify, { LogController } from "fastify";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { Registry } from "prom-client";
import type { AccessControl } from "./access.ts";
import { protectRoutes } from "./access.ts";
import { answerClientError } from "./client-errors.ts";
import { answerErrors, answerUnknownPaths, sendProblem } from "./error-handler.ts";
import { addHealthRoutes, measureRequests } from "./health.ts";
import type { Readiness } from "./health.ts";
import { routeNotFound } from "./errors.ts";
import { watchKnownPaths } from "./known-paths.ts";
import { addOpenApi } from "./openapi.ts";
import { defaultTimeouts, endSoon, guardRequests, limitSlowBodies } from "./request-guards.ts";
import type { HttpTimeouts } from "./request-guards.ts";
import { securityHeaders } from "./security-headers.ts";
import { addSessionRoutes } from "./session-routes.ts";
import type { SessionMark } from "./session.ts";
import type { ServerSettings } from "./settings.ts";
import { addWebApp } from "./web-app.ts";
import { addWebSockets } from "./web-sockets.ts";

/** JSON bodies of most routes are far below; a route that takes texts sets its own `bodyLimit`. */
const jsonBodyLimit = 1024 * 1024;

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
  /** Default: `defaultTimeouts`. */
  readonly timeouts?: HttpTimeouts;
  /** Keeps for all processes that a session was signed out. Default: none but this one knows. */
  readonly keepEnded?: ((session: SessionMark) => Promise<void>) | undefined;
};

/**
 * The HTTP server without its domain routes: register those next, then listen. Every route added
 * needs access unless it says `config: { access: "public" }`, and is described by its zod schemas.
 */
export async function createHttpApp(options: HttpAppOptions): Promise<FastifyInstance> {
  const { settings, logger, access, metrics, timeouts = defaultTimeouts } = options;
  const headers = securityHeaders(settings.PUBLIC_URL);
  const app = createFastify({ settings, logger, headers, timeouts });
  const knownPaths = watchKnownPaths(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  // The only built-in parser besides JSON; forms of other sites can send text/plain without asking.
  app.removeContentTypeParser("text/plain");

  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(headers).header("x-request-id", request.id).header("cache-control", "no-store");
  });
  answerErrors(app, logger);
  await addWebSockets(app, logger);
  logRequests(app, logger);
  measureRequests(app, metrics);
  limitSlowBodies(app, timeouts);
  guardRequests(app);
  await app.register(cookie);
  protectRoutes(app, access);
  // Of several files one that is too large must not end the upload of the others.
  await app.register(multipart, { throwFileSizeLimit: false });
  await addOpenApi(app, { version: options.version, publicUrl: settings.PUBLIC_URL });

  addHealthRoutes(app, { readiness: options.readiness, metrics, access, logger });
  addSessionRoutes(app, { access, keepEnded: options.keepEnded });
  const webApp = await addWebApp(app, options.webDirectory);
  answerUnknownPaths(app, { logger, knownPaths, webApp });
  return app;
}

/**
 * The server of a process without an API: health and metrics, with the same answers and the same access as
 * there.
 */
export async function createHealthApp(
  options: Omit<HttpAppOptions, "webDirectory" | "version">,
): Promise<FastifyInstance> {
  const { settings, logger, access, metrics, readiness, timeouts = defaultTimeouts } = options;
  const headers = securityHeaders(undefined);
  const app = createFastify({ settings, logger, headers, timeouts });
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(headers).header("x-request-id", request.id).header("cache-control", "no-store");
  });
  answerErrors(app, logger);
  limitSlowBodies(app, timeouts);
  await app.register(cookie);
  protectRoutes(app, access);
  addHealthRoutes(app, { readiness, metrics, access, logger });
  app.setNotFoundHandler((request, reply) => sendProblem(routeNotFound(), request, reply, logger));
  return app;
}

function createFastify(options: {
  readonly settings: ServerSettings;
  readonly logger: Logger;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: HttpTimeouts;
}): FastifyInstance {
  const { settings, logger, headers, timeouts } = options;
  const app: FastifyInstance = Fastify({
    loggerInstance: asFastifyLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { ignoreTrailingSlash: true },
    bodyLimit: jsonBodyLimit,
    onProtoPoisoning: "error",
    onConstructorPoisoning: "error",
    trustProxy: settings.TRUSTED_PROXIES ?? false,
    genReqId: (raw) => acceptableRequestId(raw.headers["x-request-id"]) ?? newId(),
    // Nothing for that long in either direction: the other side is gone or holds us up. Longer
    // than any wait of ours (30 s) and than the pings of sockets and streams.
    connectionTimeout: 120_000,
    keepAliveTimeout: 30_000,
    // How long a body may take depends on its size: `limitSlowBodies` sees to that.
    requestTimeout: 0,
    http: {
      headersTimeout: timeouts.headersMs,
      // Node looks for late requests only this often; its own default of 30 s would triple the limit.
      connectionsCheckingInterval: Math.ceil(timeouts.headersMs / 3),
      // Other upgrades, such as curl's offer of HTTP/2, are ignored and answered as plain requests.
      shouldUpgradeCallback: isWebSocketUpgrade,
    },
    // While closing, requests of open connections are still answered, with `Connection: close`.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    frameworkErrors: (error, request, reply) => {
      void reply.headers(headers).header("x-request-id", request.id);
      // No hook runs here, so nobody else would close the connection of a refused upgrade or a slow sender.
      reply.raw.once("finish", () => {
        if (isWebSocketUpgrade(request.raw)) request.raw.socket.destroy();
        else endSoon(request, timeouts);
      });
      sendProblem(error, request, reply, logger);
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, headers),
  });
  app.server.maxHeadersCount = 100;
  // A limit against running out of file handles, not an expected load. Untuned.
  app.server.maxConnections = 10_000;
  return app;
}

function isWebSocketUpgrade(raw: IncomingMessage): boolean {
  return raw.headers.upgrade?.toLowerCase() === "websocket";
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
