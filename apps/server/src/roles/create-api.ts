import { fileURLToPath } from "node:url";
import type { Lifecycle, Logger } from "@millrace/kernel";
import { createLiveHub } from "@millrace/live";
import { createMonitorWatch } from "@millrace/queue";
import type { QueueWorker } from "@millrace/queue";
import type { Program } from "../config/load-program.ts";
import { mountPlugins } from "../config/mount-plugins.ts";
import { createHttpApp, createHttpService } from "../http/index.ts";
import type { AccessControl, HttpService } from "../http/index.ts";
import { addMetrics } from "../metrics.ts";
import { registerRoutes } from "../routes/register-routes.ts";
import type { Settings } from "../settings.ts";
import { readVersion } from "../version.ts";
import { createEndedSessions } from "./ended-sessions.ts";
import type { Installation } from "./open-installation.ts";
import { createReadiness } from "./readiness.ts";

const webDirectory = fileURLToPath(new URL("../../../web/dist/", import.meta.url));

export type ApiParts = {
  readonly installation: Installation;
  /** Of this process, if it runs jobs too. */
  readonly worker?: QueueWorker;
  readonly access: AccessControl;
  readonly program: Program;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly isDraining: () => boolean;
};

/** The HTTP API, its sockets and the pages, with everything but the port, which `start` of the result opens. */
export async function createApi(parts: ApiParts): Promise<HttpService> {
  const { installation, worker, access, program, settings, logger, lifecycle, isDraining } = parts;
  const { queue, database, cache } = installation;
  const hub = createLiveHub({
    feed: queue.feed,
    logger,
    maxReads: Math.floor(settings.DATABASE_POOL_SIZE / 2),
  });
  await lifecycle.start(hub);
  installation.exchange?.hear();
  await lifecycle.start(createMonitorWatch({ database, bus: queue.bus, logger }));
  const endedSessions =
    access.sessions && createEndedSessions({ database, sessions: access.sessions, logger });
  if (endedSessions !== undefined) await lifecycle.start(endedSessions);
  const version = readVersion();
  const app = await createHttpApp({
    settings,
    logger,
    access,
    readiness: createReadiness({ ...installation, worker, isDraining }),
    webDirectory,
    metrics: addMetrics({ ...installation, worker }, { settings, logger }),
    version,
    keepEnded: endedSessions?.add,
  });
  // Who keeps a connection open turns to another process before this one closes it.
  app.addHook("onSend", async (_request, reply) => {
    if (isDraining()) void reply.header("connection", "close");
  });
  const stopping = new AbortController();
  // Streams that are followed and requests that wait would keep the server from closing.
  app.addHook("preClose", async () => {
    stopping.abort();
    await hub.stop();
  });
  await registerRoutes(app, {
    installation,
    access,
    hub,
    settings,
    logger,
    version,
    stopping: stopping.signal,
  });
  const { authenticate } = access;
  await mountPlugins(app, program, { queue, database, cache, logger, settings, authenticate });
  return createHttpService({ app, settings });
}
