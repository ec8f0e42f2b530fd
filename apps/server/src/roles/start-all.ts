import { Lifecycle } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { loadProgram } from "../config/load-program.ts";
import { createAccessControl } from "../http/index.ts";
import type { Settings } from "../settings.ts";
import { createApi } from "./create-api.ts";
import { createDrain } from "./drain.ts";
import { openInstallation } from "./open-installation.ts";
import type { RunningRole } from "./role.ts";
import { createWorker, startAlarms, startWorker, workerStopMs } from "./start-worker.ts";

/** `millrace start`: API and worker in one process. Resolves when it answers. */
export async function startAll(
  settings: Settings,
  logger: Logger,
): Promise<RunningRole & { readonly url: string }> {
  const lifecycle = new Lifecycle(logger);
  // Nobody stands before it who would need time to turn away.
  const drain = createDrain(0);
  const stop = async (): Promise<void> => {
    await drain.begin();
    await lifecycle.stop(workerStopMs(settings));
  };
  try {
    // Before anything is opened: a binding that is not safe must not even lock the folder.
    const access = createAccessControl({ settings });
    const program = await loadProgram(process.cwd());
    const installation = await openInstallation({ settings, logger, lifecycle, program });
    const worker = createWorker(installation, settings);
    await startWorker(worker, installation, { lifecycle, logger });
    await startAlarms(installation, { settings, logger, lifecycle });
    const { isDraining } = drain;
    const http = await createApi({
      installation,
      worker,
      access,
      program,
      settings,
      logger,
      lifecycle,
      isDraining,
    });
    // Beside each other: a slow client must not use up the time in which running jobs are handed back.
    const stopBoth = async (): Promise<void> => void (await Promise.all([http.stop(), worker.stop()]));
    const name = `${http.name} and ${worker.name}`;
    await lifecycle.start({ name, start: () => http.start(), stop: stopBoth });
    const url = http.address();
    installation.lock?.announce(url);
    return {
      url,
      greeting: `Millrace is ready at ${url}`,
      stop,
      hurry: () => worker.handBack(),
      wantsToEnd: new Promise(() => undefined),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
