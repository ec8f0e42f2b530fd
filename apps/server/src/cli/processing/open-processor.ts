import path from "node:path";
import { errorCode } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { noServer } from "../errors.ts";
import { pause } from "../pause.ts";
import { findServer } from "../server/find-server.ts";
import type { CommandEnvironment } from "../settings.ts";
import type { Processor } from "./processor.ts";
import { createRemoteProcessor } from "./remote-processor.ts";

/** The first start of an embedded database takes up to 8 s; who holds the folder says so by then. */
const patienceMs = 15_000;
const pauseMs = 250;

export type OpenProcessorOptions = {
  readonly environment: CommandEnvironment;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Called once when no server runs and this process will do the work. */
  readonly onOpening: (folder: string) => void;
  /** Called once when another process has the folder and there is something to wait for. */
  readonly onWaiting: (folder: string) => void;
};

/**
 * The server that runs, or else this process. While another process has the folder without answering
 * (it is starting, stopping, or processing by itself), waits some seconds for its address or its end.
 * Throws `data_folder_in_use` then, and `no_server` with PostgreSQL where MILLRACE_URL names none.
 */
export async function openProcessor(options: OpenProcessorOptions): Promise<Processor> {
  const { environment, signal, logger } = options;
  const connection = environment.connection();
  const folder = path.resolve(connection.DATA_DIR);
  const deadline = performance.now() + patienceMs;
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted();
    const client = await findServer(connection);
    if (client !== undefined) return createRemoteProcessor(client);
    // With PostgreSQL servers may run anywhere, and their work is not for whoever has a document to read.
    if (environment.variable("DATABASE_URL")) throw noServer(folder);
    if (isFirst) options.onOpening(folder);
    try {
      const settings = await environment.settings();
      const { openLocalProcessor } = await import("./local-processor.ts");
      return await openLocalProcessor({ settings, logger });
    } catch (error) {
      if (errorCode(error) !== "data_folder_in_use" || performance.now() > deadline) throw error;
    }
    if (isFirst) options.onWaiting(folder);
    await pause(pauseMs, signal);
  }
}
