import { fileURLToPath } from "node:url";
import { createLogger } from "@millrace/kernel";
import { supervise } from "../processes/supervise.ts";
import { defaultWorkerName, processName } from "../roles/worker-name.ts";
import type { Settings } from "../settings.ts";
import { exitCodes } from "./exit-codes.ts";

const module = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Beyond what a process takes for its own stop at most. */
const killAfterMs = 30_000;

/** Starting again changes nothing about how it was called. */
const finalCodes = [exitCodes.usage];

/**
 * Runs several processes of a role until all have ended. The first signal lets what runs end for a moment, the
 * second does not wait for that, the third ends all at once.
 */
export async function runProcesses(
  role: "api" | "worker",
  settings: Settings,
  given: Readonly<Record<string, string>>,
): Promise<never> {
  const logger = createLogger({ level: settings.LOG_LEVEL, name: `millrace ${role}` });
  const drainSeconds = role === "api" ? settings.API_DRAIN_SECONDS : settings.WORKER_DRAIN_SECONDS;
  const supervisor = supervise({
    count: settings.PROCESSES,
    module,
    words: [role],
    environmentOf: (number) => ({ ...given, PROCESSES: "1", ...ownSettings(role, settings, number) }),
    finalCodes,
    stopMs: drainSeconds * 1000 + killAfterMs,
    logger,
  });
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    if (signals > 2) {
      supervisor.kill();
      process.exit(exitCodes.interrupted);
    }
    if (signals === 1)
      process.stderr.write("Stopping. Running jobs go back to their queue; once more to hurry.\n");
    supervisor.tell(signals === 1 ? "stop" : "hurry");
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.exit(await supervisor.ended);
}

/** What must not be the same for all of them. */
function ownSettings(role: "api" | "worker", settings: Settings, number: number): Record<string, string> {
  if (role === "api") return {};
  const { WORKER_NAME: name = defaultWorkerName, HEALTH_PORT: port } = settings;
  return {
    WORKER_NAME: processName(name, number),
    ...(port === undefined ? {} : { HEALTH_PORT: String(port === 0 ? 0 : port + number - 1) }),
  };
}
