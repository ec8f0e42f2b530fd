/** Reads the program of the working folder once and tells its parent how that went. Started by `millrace start --watch`. */
import path from "node:path";
import { isMillraceError, toError } from "@millrace/kernel";
import { readEnvironment } from "../cli/settings.ts";
import { configNames, defaultCrewsDirectory, defaultTasksDirectory, loadProgram } from "./load-program.ts";
import type { UserModules } from "./user-modules.ts";

/** What a program is made of, and whether it can be used. */
export type ProgramCheck = {
  /** Files that it imports, configurations that would count, and where migrations stand. Absolute. */
  readonly files: readonly string[];
  /** Folders of which every file counts: a new one too. */
  readonly folders: readonly string[];
  /** Undefined when all is well. */
  readonly problem: string | undefined;
};

const folder = process.cwd();
let modules: UserModules | undefined;
let problem: string | undefined;
let folders = [defaultTasksDirectory, defaultCrewsDirectory].map((name) => path.join(folder, name));
try {
  // As the server does it: a program may read settings of its own where it is imported.
  readEnvironment();
  const { config, migrations, crews } = await loadProgram(folder, (opened) => {
    modules = opened;
  });
  folders = [
    path.resolve(folder, config.tasksDirectory ?? defaultTasksDirectory),
    ...[migrations, crews].filter((each) => each !== undefined),
  ];
} catch (thrown) {
  const error = toError(thrown);
  problem = isMillraceError(error) ? `${error.message} (${error.code})` : (error.stack ?? error.message);
}
const files = [...[...configNames, ".env"].map((name) => path.join(folder, name)), ...(modules?.files ?? [])];
const check: ProgramCheck = { files, folders, problem };
// A program may have started something of its own; this process has done what it was for.
process.send?.(check, () => process.exit(0));
