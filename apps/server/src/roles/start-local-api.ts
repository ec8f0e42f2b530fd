import { randomBytes } from "node:crypto";
import { Lifecycle } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { loadProgram } from "../config/load-program.ts";
import { createAccessControl } from "../http/index.ts";
import type { Settings } from "../settings.ts";
import { createApi } from "./create-api.ts";
import { openInstallation } from "./open-installation.ts";

const stopDeadlineMs = 15_000;

/**
 * The API on the data folder for one command of this process: no worker, no schedules, no page in the folder that
 * tells others of it, and a key that nobody else knows. Throws `data_folder_in_use`.
 */
export async function startLocalApi(
  given: Settings,
  logger: Logger,
): Promise<{ readonly url: string; readonly token: string; readonly stop: () => Promise<void> }> {
  const token = randomBytes(32).toString("base64url");
  const { PUBLIC_URL: _publicUrl, ...rest } = given;
  const settings: Settings = { ...rest, HOST: "127.0.0.1", PORT: 0, MILLRACE_TOKEN: token };
  const lifecycle = new Lifecycle(logger);
  const stop = (): Promise<void> => lifecycle.stop(stopDeadlineMs);
  try {
    const access = createAccessControl({ settings });
    const program = await loadProgram(process.cwd());
    const installation = await openInstallation({ settings, logger, lifecycle, program });
    const isDraining = (): boolean => false;
    const http = await createApi({ installation, access, program, settings, logger, lifecycle, isDraining });
    await lifecycle.start(http);
    return { url: http.address(), token, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
