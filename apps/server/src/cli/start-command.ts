import { createLogger } from "@millrace/kernel";
import { startAll } from "../roles/start.ts";
import type { RunningServer } from "../roles/start.ts";
import type { Settings } from "../settings.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";

/** `millrace start`: everything in one process, until a signal. */
export async function startCommand(settings: Settings): Promise<ExitCode> {
  const logger = createLogger({ level: settings.LOG_LEVEL, name: "millrace" });
  const ended = Promise.withResolvers<ExitCode>();
  const running: { server?: RunningServer } = {};
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    if (signals === 1) void stopServer(running.server).then(() => ended.resolve(exitCodes.ok));
    else if (signals === 2) running.server?.hurry();
    else process.exit(exitCodes.interrupted);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  running.server = await startAll(settings, logger);
  process.stdout.write(`Millrace is ready at ${running.server.url}\n`);
  return await ended.promise;
}

async function stopServer(server: RunningServer | undefined): Promise<void> {
  // A signal before the server is there: nothing has been promised to anybody yet.
  if (server === undefined) process.exit(exitCodes.interrupted);
  process.stderr.write("Stopping. Running jobs go back to their queue; once more to hurry.\n");
  await server.stop();
}
