import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockFolder, readHolder } from "@millrace/database";
import { errorCode } from "@millrace/kernel";
import { noServer, serverNotReachable } from "../errors.ts";
import type { ConnectionSettings } from "../settings.ts";
import { createApiClient } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";

/** Generous for a machine under full load; a server that hangs longer is no use either. */
const aliveTimeoutMs = 5_000;

/** As long as a start or a stop takes on a busy machine: whoever has the folder answers or is gone by then. */
export const startPatienceMs = 30_000;
export const lookAgainMs = 250;

/**
 * A client of the server that MILLRACE_URL names or that runs on the data folder; undefined when
 * none does. Throws `server_not_reachable` when the one that was named does not answer.
 */
export async function findServer(connection: ConnectionSettings): Promise<ApiClient | undefined> {
  const { MILLRACE_URL: url, MILLRACE_TOKEN: token, DATA_DIR } = connection;
  if (url !== undefined) {
    const client = createApiClient({ url, token });
    await assertAlive(client);
    return client;
  }
  const folder = path.resolve(DATA_DIR);
  const announced = readHolder(folder)?.url;
  // A killed server leaves its announcement behind, and another program may have its port by now.
  if (announced === undefined || !isFolderHeld(folder)) return undefined;
  const client = createApiClient({ url: reachable(announced), token });
  return (await isAlive(client)) ? client : undefined;
}

/**
 * The same, for commands that can do nothing without a server; one that is just starting is waited for. Throws
 * `no_server`.
 */
export async function getServer(connection: ConnectionSettings): Promise<ApiClient> {
  const folder = path.resolve(connection.DATA_DIR);
  const deadline = performance.now() + startPatienceMs;
  for (;;) {
    const client = await findServer(connection);
    if (client !== undefined) return client;
    // Whoever holds a folder has said so; asking the lock of any other would make the folder, or be in the way.
    const isStarting = readHolder(folder) !== undefined && isFolderHeld(folder);
    if (!isStarting || performance.now() > deadline) throw noServer(folder);
    await sleep(lookAgainMs);
  }
}

/** Whether another process has the folder now. */
export function isFolderHeld(folder: string): boolean {
  try {
    lockFolder(folder).release();
    return false;
  } catch (error) {
    if (errorCode(error) === "data_folder_in_use") return true;
    throw error;
  }
}

async function isAlive(client: ApiClient): Promise<boolean> {
  try {
    await assertAlive(client);
    return true;
  } catch {
    // It is just starting, stopping or stuck; whoever asks goes on without it or says so.
    return false;
  }
}

async function assertAlive(client: ApiClient): Promise<void> {
  const signal = AbortSignal.timeout(aliveTimeoutMs);
  try {
    const response = await client.open("/livez", { signal });
    await response.body?.cancel();
  } catch (error) {
    throw signal.aborted ? serverNotReachable(client.url, error) : error;
  }
}

/** A server that listens on every address announces one that no client can connect to everywhere. */
function reachable(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}
