import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger } from "@millrace/kernel";
import type { Command } from "commander";
import { z } from "zod";
import type { CommandHost } from "./command-host.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import { createApiClient } from "./server/api-client.ts";
import { findServer } from "./server/find-server.ts";
import type { CommandEnvironment } from "./settings.ts";
import { writeJson } from "./write-json.ts";

/** `millrace openapi`: the description of the HTTP API, of the running server or of this version. */
export function addOpenApiCommand(program: Command, host: CommandHost): void {
  program
    .command("openapi")
    .description("Print the OpenAPI document")
    .option("--json", "as it is anyway")
    .action(async () => {
      const environment = host.environment();
      const connection = environment.connection();
      const client = await findServer(connection);
      if (client !== undefined) writeJson(await client.call("/openapi.json", z.unknown()));
      else writeJson(await describeThisVersion(environment));
    });
}

/** Only a server with all its routes knows them: one that runs no jobs is started on an empty folder, for one question. */
async function describeThisVersion(environment: CommandEnvironment): Promise<unknown> {
  const settings = await environment.settings();
  const { startLocalApi } = await import("../roles/start-local-api.ts");
  const stop = listenForStop();
  const folder = await mkdtemp(path.join(tmpdir(), "millrace-openapi-"));
  try {
    // Nothing of the installation that the settings name is touched.
    const {
      DATABASE_URL: _url,
      DATABASE_DIRECT_URL: _directUrl,
      BROKER_URL: _broker,
      REDIS_URL: _redis,
      ...rest
    } = settings;
    const server = await startLocalApi({ ...rest, DATA_DIR: folder }, silentLogger);
    try {
      return await createApiClient(server).call("/openapi.json", z.unknown(), { signal: stop.signal });
    } finally {
      await server.stop();
    }
  } finally {
    stop.close();
    await rm(folder, { recursive: true, force: true });
  }
}
