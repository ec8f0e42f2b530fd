import { Lifecycle } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { loadProgram } from "../config/load-program.ts";
import { createAccessControl } from "../http/index.ts";
import type { Settings } from "../settings.ts";
import { createApi } from "./create-api.ts";
import { createDrain } from "./drain.ts";
import { watchMemory } from "./memory-limit.ts";
import { openInstallation } from "./open-installation.ts";
import type { OwnEnd, RunningRole } from "./role.ts";
import { startAlarms } from "./start-worker.ts";

/** For what is under way when the drain is over. */
const closeWithinMs = 15_000;

/**
 * `millrace api`: serves the HTTP API, its sockets and the pages, and runs no jobs. Resolves when it answers.
 */
export async function startApi(settings: Settings, logger: Logger): Promise<RunningRole> {
  const lifecycle = new Lifecycle(logger);
  const drain = createDrain(settings.API_DRAIN_SECONDS * 1000);
  const stop = (): Promise<void> => lifecycle.stop(settings.API_DRAIN_SECONDS * 1000 + closeWithinMs);
  try {
    // Before anything is opened: a binding that is not safe must not even reach the database.
    const access = createAccessControl({ settings });
    const program = await loadProgram(process.cwd());
    const installation = await openInstallation({ settings, logger, lifecycle, program });
    await startAlarms(installation, { settings, logger, lifecycle });
    const { isDraining } = drain;
    const http = await createApi({ installation, access, program, settings, logger, lifecycle, isDraining });
    await lifecycle.start(http);
    // Once it answers: nobody has to turn away from a process that never did.
    await lifecycle.start({ name: "drain", start: async () => undefined, stop: () => drain.begin() });
    const wantsToEnd = Promise.withResolvers<OwnEnd>();
    await lifecycle.start(
      watchMemory({
        maxMegabytes: settings.API_MAX_MEMORY_MB,
        setting: "API_MAX_MEMORY_MB",
        logger,
        onOver: () => wantsToEnd.resolve("memory_limit"),
      }),
    );
    return {
      greeting: `Millrace is ready at ${http.address()}`,
      stop,
      hurry: () => drain.cutShort(),
      wantsToEnd: wantsToEnd.promise,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
