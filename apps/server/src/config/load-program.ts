import { existsSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { findConfigProblems } from "./check-config.ts";
import type { FieldProblem } from "./check-config.ts";
import type { Config } from "./config.ts";
import { invalidConfig } from "./config-errors.ts";
import type { ConfigProblem } from "./config-errors.ts";
import { findTasks } from "./find-tasks.ts";
import type { PlacedHandler } from "./find-tasks.ts";
import { distinct, placeHandlers } from "./program-handlers.ts";
import { findScheduleProblems } from "./program-schedules.ts";
import { openUserModules } from "./user-modules.ts";
import type { UserModules } from "./user-modules.ts";

/** What people add to the product in their working folder. */
export type Program = {
  readonly folder: string;
  /** The name of the configuration; undefined without one. */
  readonly configName: string | undefined;
  readonly config: Config;
  /** The handlers that stand in its files; a function of the configuration may make more. */
  readonly tasks: readonly PlacedHandler[];
  /** The folder of its migrations, absolute. */
  readonly migrations: string | undefined;
  /** The folder of its crews, absolute; it need not be there. */
  readonly crews: string | undefined;
};

export const configNames = [
  "millrace.config.ts",
  "millrace.config.mts",
  "millrace.config.js",
  "millrace.config.mjs",
];
export const defaultTasksDirectory = "tasks";
export const defaultCrewsDirectory = "crews";

/** For commands that work without anybody's program. */
export const noProgram: Program = {
  folder: "",
  configName: undefined,
  config: {},
  tasks: [],
  migrations: undefined,
  crews: undefined,
};

/**
 * Reads `millrace.config.ts` and the tasks folder of a working folder; neither needs to be there. Throws
 * `invalid_config`, naming each file and field that can't be used. `onModules` hears of the files before
 * the first is imported.
 */
export async function loadProgram(
  workingFolder: string,
  onModules: (modules: UserModules) => void = () => undefined,
): Promise<Program> {
  // Node knows files by their real paths.
  const folder = realpathSync(workingFolder);
  const configName = findConfig(folder);
  const isEmpty = configName === undefined && !isFolder(path.join(folder, defaultTasksDirectory));
  if (isEmpty) return { ...noProgram, folder, crews: path.join(folder, defaultCrewsDirectory) };
  const modules = openUserModules(folder);
  onModules(modules);
  const config = configName === undefined ? {} : await readConfig(modules, folder, configName);
  const file = configName ?? "";
  const problems = [
    ...folderProblems(folder, file, "tasksDirectory", config.tasksDirectory),
    ...folderProblems(folder, file, "migrations", config.migrations),
    ...folderProblems(folder, file, "crewsDirectory", config.crewsDirectory),
  ];
  if (problems.length > 0) throw invalidConfig(problems);
  const found = await findTasks(modules, folder, config.tasksDirectory ?? defaultTasksDirectory);
  const listed = typeof config.tasks === "function" ? [] : (config.tasks ?? []);
  const tasks = distinct([...found, ...placeHandlers(listed, { file, path: "tasks" })]);
  const wrong = knownScheduleProblems(config, tasks);
  if (wrong.length > 0) throw invalidConfig(wrong.map((problem) => ({ file, ...problem })));
  return {
    folder,
    configName,
    config,
    tasks,
    migrations: config.migrations === undefined ? undefined : path.resolve(folder, config.migrations),
    crews: path.resolve(folder, config.crewsDirectory ?? defaultCrewsDirectory),
  };
}

/** Of schedules whose task stands in the files: others may be made later, or be the product's. */
function knownScheduleProblems(config: Config, placed: readonly PlacedHandler[]): readonly FieldProblem[] {
  const tasks = placed.map(({ handler }) => handler.task);
  const names = new Set(tasks.map(({ name }) => name));
  const { schedules = [] } = config;
  return findScheduleProblems(schedules, tasks).filter(({ path }) => {
    const nth = Number(/^schedules\[(\d+)\]/.exec(path)?.[1]);
    return names.has(schedules[nth]?.task ?? "") || !/\.(?:task|input)(?:\.|$)/.test(path);
  });
}

function findConfig(folder: string): string | undefined {
  const [first, ...others] = configNames.filter((name) => existsSync(path.join(folder, name)));
  if (first === undefined || others.length === 0) return first;
  const message = `there is ${others.join(" and ")} too. Keep one of them.`;
  throw invalidConfig([{ file: first, message }]);
}

async function readConfig(modules: UserModules, folder: string, name: string): Promise<Config> {
  const loaded = await modules.load(path.join(folder, name));
  if ("problem" in loaded) throw invalidConfig([loaded.problem]);
  if (!("default" in loaded.exports)) {
    throw invalidConfig([
      { file: name, message: "has no default export. Write: export default defineConfig({ … })" },
    ]);
  }
  const value: unknown = loaded.exports.default;
  const problems = findConfigProblems(value);
  if (problems.length > 0) throw invalidConfig(problems.map((problem) => ({ file: name, ...problem })));
  // Every field was checked above.
  return value as Config;
}

function folderProblems(
  folder: string,
  file: string,
  field: string,
  given: string | undefined,
): readonly ConfigProblem[] {
  if (given === undefined || isFolder(path.resolve(folder, given))) return [];
  return [{ file, path: field, message: `there is no folder ${given}.` }];
}

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
}
