import { createLogger } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { assertSharedDatabase } from "../roles/needs-database.ts";
import type { RunningRole } from "../roles/role.ts";
import type { Settings } from "../settings.ts";
import { runProcesses } from "./run-processes.ts";
import { runRole } from "./run-role.ts";

type Start = (settings: Settings, logger: Logger) => Promise<RunningRole>;

/** What each role starts, loaded when needed: a supervisor runs none of it. */
const roles = {
  api: async (): Promise<Start> => (await import("../roles/start-api.ts")).startApi,
  worker: async (): Promise<Start> => (await import("../roles/start-worker-role.ts")).startWorkerRole,
};

/** `millrace start`: everything in one process, until a signal. */
export async function startCommand(settings: Settings): Promise<never> {
  const { startAll } = await import("../roles/start-all.ts");
  return await runRole(startAll(settings, loggerOf(settings, "millrace")));
}

/**
 * `millrace api` or `millrace worker`, in as many processes as the settings say. `given` is what the command
 * line set of them. Throws `database_url_missing` without DATABASE_URL.
 */
export async function roleCommand(
  role: keyof typeof roles,
  settings: Settings,
  given: Readonly<Record<string, string>>,
): Promise<never> {
  assertSharedDatabase(settings, role);
  if (settings.PROCESSES > 1) return await runProcesses(role, settings, given);
  const start = await roles[role]();
  return await runRole(start(settings, loggerOf(settings, `millrace ${role}`)));
}

function loggerOf(settings: Settings, name: string): Logger {
  return createLogger({ level: settings.LOG_LEVEL, name });
}
