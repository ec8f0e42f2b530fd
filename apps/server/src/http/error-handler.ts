import { databaseUnavailable } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import { toError } from "@millrace/kernel";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { routeNotFound } from "./errors.ts";
import { fromFastify } from "./fastify-errors.ts";
import type { KnownPaths } from "./known-paths.ts";
import { methodNotAllowed, toProblem } from "./problem.ts";
import type { ProblemReply } from "./problem.ts";
import type { WebApp } from "./web-app.ts";

/**
 * The one place where errors become responses, and the one where they are logged. Before any route
 * and any awaited plugin: Fastify gives the routes it has loaded by then the handler of that moment.
 */
export function answerErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    sendProblem(error, request, reply, logger);
  });
}

/** What is answered on paths that no route serves: the app's page, 405 or 404. */
export function answerUnknownPaths(
  app: FastifyInstance,
  options: { readonly logger: Logger; readonly knownPaths: KnownPaths; readonly webApp: WebApp },
): void {
  const { logger, knownPaths, webApp } = options;
  app.setNotFoundHandler((request, reply) => {
    const allowed = knownPaths.methodsOf(pathOf(request));
    if (allowed.length > 0 && !allowed.includes(request.method)) {
      return send(methodNotAllowed(allowed, { id: request.id, path: pathOf(request) }), reply);
    }
    if (allowed.length === 0 && webApp.wantsPage(request)) return webApp.sendPage(reply);
    return sendProblem(routeNotFound(), request, reply, logger);
  });
}

/** Answers with the problem details of anything thrown; surprises are logged as errors. */
export function sendProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const error = databaseUnavailable(thrown) ?? fromFastify(thrown);
  const problem = toProblem(error, { id: request.id, path: pathOf(request) });
  const { status, body } = problem;
  if (status >= 500) {
    const line = { err: toError(error), request_id: request.id, method: request.method, path: body.instance };
    if (status === 500) logger.error(line, "request failed");
    else logger.warn(line, "request could not be served");
  }
  return send(problem, reply);
}

function send(problem: ProblemReply, reply: FastifyReply): FastifyReply {
  return (
    reply
      .code(problem.status)
      .headers(problem.headers)
      // Fastify closes at once after a body it refused, and a reset may overtake the answer. Whoever
      // goes on sending is stopped by `limitSlowBodies`.
      .removeHeader("connection")
      // A route's own schema describes its results; problems have one shape everywhere.
      .serializer((body) => JSON.stringify(body))
      .send(problem.body)
  );
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] ?? "/";
}
