import type { ExitCode } from "./exit-codes.ts";
import type { ApiClient } from "./server/api-client.ts";
import type { CommandEnvironment } from "./settings.ts";

/** What every command gets from the command line it registers with. */
export type CommandHost = {
  /** Reads the environment when a command needs it. Throws `invalid_settings`. */
  readonly environment: () => CommandEnvironment;
  /**
   * The running server, or else the data folder in this process until the command has ended; for what does not
   * need anybody to work meanwhile. Throws as `openServer` does.
   */
  readonly server: () => Promise<ApiClient>;
  /** Sets the exit code; without a call it is 0. */
  readonly finish: (code: ExitCode) => void;
};
