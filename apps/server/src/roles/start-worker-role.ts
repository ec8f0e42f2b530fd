import { Lifecycle } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { loadProgram } from "../config/load-program.ts";
import type { Settings } from "../settings.ts";
import { startHealthServer } from "./health-server.ts";
import { watchMemory } from "./memory-limit.ts";
import { openInstallation } from "./open-installation.ts";
import type { OwnEnd, RunningRole } from "./role.ts";
import { createWorker, startAlarms, startWorker, workerStopMs } from "./start-worker.ts";
import { nameOf } from "./worker-name.ts";

/**
 * `millrace worker`: runs jobs, fires schedules and does the upkeep, and serves no API. Resolves when it takes
 * jobs.
 */
export async function startWorkerRole(settings: Settings, logger: Logger): Promise<RunningRole> {
  const lifecycle = new Lifecycle(logger);
  const stop = (): Promise<void> => lifecycle.stop(workerStopMs(settings));
  try {
    const program = await loadProgram(process.cwd());
    const installation = await openInstallation({ settings, logger, lifecycle, program });
    const wantsToEnd = Promise.withResolvers<OwnEnd>();
    installation.queue.on("worker.stopped", () => wantsToEnd.resolve("worker_stopped"));
    await startAlarms(installation, { settings, logger, lifecycle });
    const worker = createWorker(installation, settings);
    // Stopped after the worker: while that drains, somebody may ask whether the process lives.
    const health = await startHealthServer({ installation, worker, settings, logger, lifecycle });
    await startWorker(worker, installation, { lifecycle, logger });
    await lifecycle.start(
      watchMemory({
        maxMegabytes: settings.WORKER_MAX_MEMORY_MB,
        setting: "WORKER_MAX_MEMORY_MB",
        logger,
        onOver: () => wantsToEnd.resolve("memory_limit"),
      }),
    );
    const about = health === undefined ? "" : `, its health at ${health}`;
    return {
      greeting: `Worker ${nameOf(settings)} is ready for ${worker.queues.join(", ")}${about}`,
      stop,
      hurry: () => worker.handBack(),
      wantsToEnd: wantsToEnd.promise,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
