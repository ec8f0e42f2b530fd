import type { AnyTaskHandler } from "@millrace/queue";
import { findHandlerProblems } from "./check-config.ts";
import type { TaskParts } from "./config.ts";
import { invalidConfig } from "./config-errors.ts";
import type { PlacedHandler } from "./find-tasks.ts";
import { keyOf } from "./find-tasks.ts";
import type { Program } from "./load-program.ts";

/**
 * All handlers of a program: those that stand in its files, and those that its configuration makes when it
 * is asked. Throws `invalid_config` when two are for one task, or one for a task of the product.
 */
export async function createProgramHandlers(
  program: Program,
  product: readonly AnyTaskHandler[],
  parts: TaskParts,
): Promise<readonly AnyTaskHandler[]> {
  const { config, configName = "" } = program;
  const made = typeof config.tasks === "function" ? await config.tasks(parts) : [];
  const own = product.map((handler) => ({ handler, where: "Millrace itself" }));
  const placed = [...program.tasks, ...placeHandlers(made, { file: configName, path: "tasks()" })];
  return distinct([...own, ...placed])
    .slice(own.length)
    .map(({ handler }) => showingErrors(handler));
}

/** Who runs a program wrote its tasks: what their errors say is for them, unless the task says no. */
function showingErrors(handler: AnyTaskHandler): AnyTaskHandler {
  const { showErrors = true } = handler.task;
  return { ...handler, task: { ...handler.task, showErrors } };
}

/** The handlers of a list in the configuration. Throws `invalid_config` for what is none. */
export function placeHandlers(
  handlers: readonly AnyTaskHandler[],
  at: { readonly file: string; readonly path: string },
): readonly PlacedHandler[] {
  const problems = findHandlerProblems(handlers, at.path);
  if (problems.length > 0) throw invalidConfig(problems.map((problem) => ({ file: at.file, ...problem })));
  return handlers.map((handler, index) => ({ handler, where: `${at.file} (${at.path}[${index}])` }));
}

/**
 * Each handler once, in the given order: the same one may be exported under two names. Throws
 * `invalid_config` when two are for one version of a task, naming both places.
 */
export function distinct(given: readonly PlacedHandler[]): readonly PlacedHandler[] {
  const byTask = new Map<string, PlacedHandler>();
  for (const placed of given) {
    const key = keyOf(placed.handler.task);
    const known = byTask.get(key);
    if (known !== undefined && known.handler !== placed.handler) {
      const message = `handles ${key}, and so does ${known.where}. Only one may: remove it, or give it another name or version.`;
      throw invalidConfig([{ file: placed.where, message }]);
    }
    if (known === undefined) byTask.set(key, placed);
  }
  return [...byTask.values()];
}
