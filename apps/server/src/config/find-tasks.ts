import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { AnyTaskHandler } from "@millrace/queue";
import { isTask, isTaskHandler, isUnfinishedHandler } from "./check-config.ts";
import { invalidConfig } from "./config-errors.ts";
import type { ConfigProblem } from "./config-errors.ts";
import type { UserModules } from "./user-modules.ts";

/** A handler and where it stands, as `tasks/add.ts (add)`. */
export type PlacedHandler = { readonly handler: AnyTaskHandler; readonly where: string };

/**
 * Imports every file of the tasks folder and of those below it, tests left out, and collects the handlers
 * they export. Throws `invalid_config` for files that can't be imported, and for tasks that are exported
 * and that nothing here handles: their jobs would wait for ever.
 */
export async function findTasks(
  modules: UserModules,
  folder: string,
  directory: string,
): Promise<readonly PlacedHandler[]> {
  const root = path.resolve(folder, directory);
  if (!existsSync(root)) return [];
  const problems: ConfigProblem[] = [];
  const found: PlacedHandler[] = [];
  const declared: { readonly key: string; readonly file: string }[] = [];
  for (const file of await listTaskFiles(root)) {
    const shown = path.relative(folder, file);
    const loaded = await modules.load(file);
    if ("problem" in loaded) {
      problems.push(loaded.problem);
      continue;
    }
    for (const [name, value] of Object.entries(loaded.exports)) {
      if (isTaskHandler(value)) found.push({ handler: value, where: `${shown} (${name})` });
      else if (isTask(value)) declared.push({ key: keyOf(value), file: shown });
      else if (isUnfinishedHandler(value)) {
        problems.push({ file: shown, path: name, message: "is no handler yet: give it to handleTask." });
      }
    }
  }
  const handled = new Set(found.map(({ handler }) => keyOf(handler.task)));
  for (const { key, file } of declared) {
    // A file that can't be imported may well have its handler.
    if (handled.has(key) || problems.length > 0) continue;
    const message = `declares the task ${key}, and no file exports a handler for it. Export handleTask({ task, run }).`;
    problems.push({ file, message });
  }
  if (problems.length > 0) throw invalidConfig(problems);
  return found;
}

/** `name@version`, by which handlers are told apart. */
export function keyOf({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name}@${version}`;
}

/** In the order of their names, so that every process finds the same. */
async function listTaskFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && isTaskFile(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !path.relative(root, file).split(path.sep).some(isSkipped))
    .toSorted();
}

/** Whether a file of the tasks folder is searched for handlers. */
export function isTaskFile(name: string): boolean {
  return /\.m?[jt]s$/.test(name) && !/\.(?:test|spec|d)\.m?[jt]s$/.test(name);
}

function isSkipped(name: string): boolean {
  return name === "node_modules" || name.startsWith(".");
}
