import { startChild } from "./child.ts";
import type { Child } from "./child.ts";

/** Starts the real server on a free port of 127.0.0.1, with nothing but the given settings. */
export async function startServer(options: {
  readonly dataDirectory: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
}): Promise<Child> {
  return await startChild({
    program: "apps/server/src/main.ts",
    programArguments: ["start"],
    nodeArguments: options.nodeArguments ?? [],
    // In the data folder there is no .env of a developer that would change what is measured.
    folder: options.dataDirectory,
    environment: {
      HOST: "127.0.0.1",
      PORT: "0",
      LOG_LEVEL: "warn",
      DATA_DIR: options.dataDirectory,
      ...options.environment,
    },
  });
}
