import { fileURLToPath } from "node:url";
import { Lifecycle } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { createLiveHub } from "@millrace/live";
import { createMonitorWatch } from "@millrace/queue";
import { loadProgram } from "../config/load-program.ts";
import { mountPlugins } from "../config/mount-plugins.ts";
import { createAlarmWatch } from "../alarms/alarm-watch.ts";
import { createAccessControl, createHttpApp, createHttpService } from "../http/index.ts";
import { addMetrics } from "../metrics.ts";
import { registerRoutes } from "../routes/register-routes.ts";
import type { Settings } from "../settings.ts";
import { readVersion } from "../version.ts";
import { openInstallation } from "./open-installation.ts";
import { createReadiness } from "./readiness.ts";

const webDirectory = fileURLToPath(new URL("../../../web/dist/", import.meta.url));
const stopDeadlineMs = 15_000;

export type RunningServer = {
  readonly url: string;
  /** Resolves when everything has stopped. */
  readonly stop: () => Promise<void>;
  /** Hands running jobs back at once instead of waiting for them. */
  readonly hurry: () => void;
};

/** Everything in one process: API, worker and upkeep. Resolves when it answers. */
export async function startAll(settings: Settings, logger: Logger): Promise<RunningServer> {
  const lifecycle = new Lifecycle(logger);
  try {
    return await open(settings, logger, lifecycle);
  } catch (error) {
    await lifecycle.stop(stopDeadlineMs);
    throw error;
  }
}

async function open(settings: Settings, logger: Logger, lifecycle: Lifecycle): Promise<RunningServer> {
  // Before anything is opened: a binding that is not safe must not even lock the folder.
  const access = createAccessControl({ settings });
  const program = await loadProgram(process.cwd());
  const installation = await openInstallation({ settings, logger, lifecycle, program });
  const hub = createLiveHub({ feed: installation.queue.feed, logger });
  await lifecycle.start(hub);
  const { queue, database } = installation;
  await lifecycle.start(createMonitorWatch({ database, bus: queue.bus, logger }));
  await lifecycle.start(createAlarmWatch({ database, bus: queue.bus, settings, logger }));
  const metrics = addMetrics(installation, { logger });
  const version = readVersion();
  const app = await createHttpApp({
    settings,
    logger,
    access,
    readiness: createReadiness(installation),
    webDirectory,
    metrics,
    version,
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
  await mountPlugins(app, program, {
    queue,
    database,
    logger,
    settings,
    authenticate: access.authenticate,
  });
  const http = createHttpService({ app, settings });
  const { worker } = installation;
  // Beside each other: a slow client must not use up the time in which running jobs are handed back.
  const stop = async (): Promise<void> => void (await Promise.all([http.stop(), worker.stop()]));
  await lifecycle.start({ name: `${http.name} and ${worker.name}`, start: () => http.start(), stop });
  installation.lock?.announce(http.address());
  return {
    url: http.address(),
    stop: () => lifecycle.stop(stopDeadlineMs),
    hurry: () => worker.handBack(),
  };
}
