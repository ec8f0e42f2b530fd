import type { ExitCode } from "./exit-codes.ts";
import type { CommandEnvironment } from "./settings.ts";

/** What every command gets from the command line it registers with. */
export type CommandHost = {
  /** Reads the environment when a command needs it. Throws `invalid_settings`. */
  readonly environment: () => CommandEnvironment;
  /** Sets the exit code; without a call it is 0. */
  readonly finish: (code: ExitCode) => void;
};
