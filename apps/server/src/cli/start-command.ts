import { createLogger } from "@millrace/kernel";
import { startAll } from "../roles/start.ts";
import type { Settings } from "../settings.ts";
import { exitCodes } from "./exit-codes.ts";

/**
 * `millrace start`: everything in one process, until a signal. The first signal lets running jobs
 * end for a moment and hands them back, the second hands them back at once, the third ends the process.
 * Ends the process itself once everything has stopped: nothing left behind may keep it.
 */
export async function startCommand(settings: Settings): Promise<never> {
  const logger = createLogger({ level: settings.LOG_LEVEL, name: "millrace" });
  const stopped = Promise.withResolvers<void>();
  // A start that fails is told of by itself; a signal meanwhile only hears of it too.
  stopped.promise.catch(() => undefined);
  const starting = startAll(settings, logger);
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    if (signals > 2) process.exit(exitCodes.interrupted);
    if (signals === 1) {
      process.stderr.write("Stopping. Running jobs go back to their queue; once more to hurry.\n");
      starting.then((server) => server.stop()).then(stopped.resolve, stopped.reject);
    } else starting.then((server) => server.hurry()).catch(stopped.reject);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // Started by a process that watches over it: without that one nobody could stop this one.
  if (process.connected) process.once("disconnect", onSignal);
  const { url } = await starting;
  process.stdout.write(`Millrace is ready at ${url}\n`);
  await stopped.promise;
  process.exit(exitCodes.ok);
}
