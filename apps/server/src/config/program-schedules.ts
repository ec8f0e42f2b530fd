import { isMillraceError, localAccess, toError } from "@millrace/kernel";
import { checkSchedule, completeSchedule } from "@millrace/queue";
import type { NewSchedule, Queue, Task } from "@millrace/queue";
import type { FieldProblem } from "./check-config.ts";
import { invalidConfig } from "./config-errors.ts";
import type { Program } from "./load-program.ts";

/** How the fields that the queue names in its errors are called in a configuration. */
const namesHere: Readonly<Record<string, string>> = {
  every_seconds: "every",
  start_at: "startAt",
  end_at: "endAt",
  jitter_seconds: "jitter",
  grace_seconds: "grace",
  expires_seconds: "expiresIn",
};

/**
 * Makes the schedules of a program those of its configuration: new ones come, changed ones change, those that
 * are gone go. Without a configuration nothing happens: another process of the same installation may well
 * have one. Throws `invalid_config`, naming each schedule and its field.
 */
export async function declareProgramSchedules(queue: Queue, program: Program): Promise<void> {
  const { config, configName: file } = program;
  if (file === undefined) return;
  const { schedules = [] } = config;
  const problems = findScheduleProblems(schedules, queue.tasks);
  if (problems.length > 0) throw invalidConfig(problems.map((problem) => ({ file, ...problem })));
  try {
    await queue.schedules.declare(schedules, { source: "program", owner: localAccess.workspaceId });
  } catch (thrown) {
    const error = toError(thrown);
    if (!isMillraceError(error) || error.code === "database_unavailable") throw error;
    // A name that somebody else's has, or one that is there twice.
    throw invalidConfig([{ file, path: "schedules", message: error.message, cause: error }]);
  }
}

/** What is wrong with schedules, each with its place in the list. `tasks` are those that may be named. */
export function findScheduleProblems(
  schedules: readonly NewSchedule[],
  tasks: readonly Task[],
): readonly FieldProblem[] {
  // The last of a name is its newest version.
  const byName = new Map(tasks.map((task) => [task.name, task]));
  return schedules.flatMap((given, index) => {
    try {
      checkSchedule(completeSchedule(given), byName.get(given.task));
      return [];
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      return error.items.map(({ pointer, message }) => ({
        path: `schedules[${index}].${pathOf(pointer)}`,
        message: `${message}.`,
      }));
    }
  });
}

function pathOf(pointer: string): string {
  const [field = "", ...below] = pointer.slice(1).split("/");
  return [namesHere[field] ?? field, ...below].join(".");
}
