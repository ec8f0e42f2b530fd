import type { Lifecycle, Logger } from "@millrace/kernel";
import type { QueueWorker } from "@millrace/queue";
import { createAccessControl, createHealthApp, createHttpService } from "../http/index.ts";
import { addMetrics } from "../metrics.ts";
import type { Settings } from "../settings.ts";
import type { Installation } from "./open-installation.ts";
import { createReadiness } from "./readiness.ts";

/**
 * For a process without an API: `/livez`, `/readyz` and `/metrics` at HEALTH_PORT, with the token as in an API
 * process, but no browser's session. Returns the address; undefined when nobody asked for it. Throws `token_required` like the API.
 */
export async function startHealthServer(parts: {
  readonly installation: Installation;
  readonly worker: QueueWorker;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}): Promise<string | undefined> {
  const { installation, worker, settings, logger, lifecycle } = parts;
  if (settings.HEALTH_PORT === undefined) return undefined;
  const app = await createHealthApp({
    settings,
    logger,
    access: createAccessControl({ settings, takesCookies: false }),
    readiness: createReadiness({ ...installation, worker }),
    metrics: addMetrics({ ...installation, worker }, { settings, logger }),
  });
  const http = createHttpService({
    app,
    settings: { HOST: settings.HOST, PORT: settings.HEALTH_PORT },
    // Each tells of itself.
    isExclusive: true,
  });
  await lifecycle.start(http);
  return http.address();
}
