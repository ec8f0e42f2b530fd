import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createLogger, errorCode, logLevels } from "@millrace/kernel";
import { noServer } from "../errors.ts";
import type { CommandEnvironment } from "../settings.ts";
import { createApiClient } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";
import { findServer, lookAgainMs, startPatienceMs } from "./find-server.ts";

/** Something to ask, and its end. */
export type OpenServer = { readonly client: ApiClient; readonly close: () => Promise<void> };

/**
 * The server that runs, or else the API in this process on the embedded database of the data folder, which runs
 * no jobs. Throws `no_server` when there is neither, and `data_folder_in_use` when another process has the folder
 * and does not answer.
 */
export async function openServer(environment: CommandEnvironment): Promise<OpenServer> {
  const connection = environment.connection();
  const folder = path.resolve(connection.DATA_DIR);
  const deadline = performance.now() + startPatienceMs;
  for (;;) {
    const client = await findServer(connection);
    if (client !== undefined) return { client, close: async () => undefined };
    // With PostgreSQL servers may run anywhere: which one is meant is for MILLRACE_URL to say.
    const isEmbedded = !environment.variable("DATABASE_URL");
    if (!isEmbedded || !existsSync(path.join(folder, "database"))) throw noServer(folder);
    try {
      return await openHere(environment);
    } catch (error) {
      if (errorCode(error) !== "data_folder_in_use" || performance.now() > deadline) throw error;
    }
    await sleep(lookAgainMs);
  }
}

async function openHere(environment: CommandEnvironment): Promise<OpenServer> {
  const settings = await environment.settings();
  const asked = environment.variable("LOG_LEVEL");
  const level = logLevels.find((known) => known === asked) ?? "error";
  const { startLocalApi } = await import("../../roles/start-local-api.ts");
  const { url, token, stop } = await startLocalApi(settings, createLogger({ level, name: "millrace" }));
  return { client: createApiClient({ url, token }), close: stop };
}
