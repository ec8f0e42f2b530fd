import type { Logger } from "@millrace/kernel";
import { toError } from "@millrace/kernel";
import type { FastifyInstance } from "fastify";
import { Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { AccessControl } from "./access.ts";

/** Whether this process can do its work, and why not. */
export type Readiness = {
  readonly ready: boolean;
  /** One that is not ok may leave the process ready: then it does its work, and does it worse. */
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
  /** Things that do not stop this process but that a person should know. */
  readonly warnings: readonly string[];
};

/** A load balancer gives up after 5 to 10 seconds; an answer of "not ready" must come before. */
const readinessTimeoutMs = 3000;

/**
 * `/livez` and `/healthz` (the process answers), `/readyz` (it can do its work; only those with
 * access see why not) and, with access, `/metrics`.
 */
export function addHealthRoutes(
  app: FastifyInstance,
  options: {
    readonly readiness: () => Promise<Readiness>;
    readonly metrics: Registry;
    readonly access: AccessControl;
    readonly logger: Logger;
  },
): void {
  const { readiness, metrics, access, logger } = options;
  const open = { config: { access: "public" }, schema: { hide: true } } as const;

  for (const path of ["/livez", "/healthz"]) {
    app.get(path, open, async () => ({ status: "ok" }));
  }

  // Strangers may ask: however many do at once, the database is asked once.
  let asking: Promise<Readiness> | undefined;
  const askOnce = (): Promise<Readiness> =>
    (asking ??= settle(readiness, logger).finally(() => (asking = undefined)));
  app.get("/readyz", open, async (request, reply) => {
    const state = await askOnce();
    void reply.code(state.ready ? 200 : 503);
    if (!state.ready) void reply.header("retry-after", "5");
    return access.isKnown(request) ? state : { ready: state.ready };
  });

  app.get("/metrics", { schema: { hide: true } }, async (_request, reply) => {
    void reply.type(metrics.contentType);
    return metrics.metrics();
  });
}

async function settle(readiness: () => Promise<Readiness>, logger: Logger): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`The checks took longer than ${readinessTimeoutMs} ms`));
    }, readinessTimeoutMs);
  });
  try {
    return await Promise.race([readiness(), late]);
  } catch (error) {
    logger.warn({ err: toError(error) }, "readiness could not be found out");
    const checks = { readiness: { ok: false, detail: "The checks failed or took too long; see the log." } };
    return { ready: false, checks, warnings: [] };
  } finally {
    clearTimeout(timer);
  }
}

/** Measures every request. Labels are route patterns, never addresses: their number stays small. */
export function measureRequests(app: FastifyInstance, metrics: Registry): void {
  const duration = new Histogram({
    name: "millrace_http_request_duration_seconds",
    help: "Time from the first byte of a request to the end of its response",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [metrics],
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.is404 ? "unmatched" : (request.routeOptions.url ?? "unmatched");
    duration.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
  });
}
