import { idSchema } from "@millrace/contracts";
import { jsonText } from "@millrace/database";
import { isMillraceError } from "@millrace/kernel";
import type { Task } from "../tasks/task.ts";
import { findCronProblem, findTimezoneProblem } from "./cron.ts";
import { invalidSchedule } from "./schedule-errors.ts";
import type { ScheduleProblem } from "./schedule-errors.ts";
import type { ScheduleFields } from "./schedule.ts";

const maxName = 120;
const maxDescription = 2_000;
const minEveryMs = 1_000;
const dayMs = 24 * 3600 * 1000;
/** A century: nobody plans further. */
const maxTimeMs = 100 * 365 * dayMs;
const maxCron = 200;
const queueName = /^[a-z][a-z0-9_]{0,62}$/;
const controlCharacters = /\p{C}/u;

/**
 * Throws `invalid_schedule` with every field that can't be. `task` is the one that the schedule names,
 * undefined when this process does not know it.
 */
export function checkSchedule(fields: ScheduleFields, task: Task | undefined): void {
  const problems = [
    ...nameProblems(fields),
    ...timeProblems(fields),
    ...boundProblems(fields),
    ...jobProblems(fields),
    ...taskProblems(fields, task),
  ];
  if (problems.length > 0) throw invalidSchedule(fields.name, problems);
}

/** Of the timing alone. Throws `invalid_schedule`. */
export function checkTiming(fields: ScheduleFields): void {
  const problems = [...timeProblems(fields), ...boundProblems(fields)];
  if (problems.length > 0) throw invalidSchedule(fields.name, problems);
}

function* nameProblems({ name, description }: ScheduleFields): Iterable<ScheduleProblem> {
  const isPlain = name === name.trim() && !controlCharacters.test(name);
  if (name === "" || name.length > maxName || !isPlain || idSchema.safeParse(name).success) {
    yield { field: "name", message: `must be 1 to ${maxName} visible characters, and not look like an id` };
  }
  if (description !== null && description.length > maxDescription) {
    yield { field: "description", message: `must have at most ${maxDescription} characters` };
  }
}

function* timeProblems({ cron, timezone, everyMs, at }: ScheduleFields): Iterable<ScheduleProblem> {
  if ([cron, everyMs, at].filter((time) => time !== null).length !== 1) {
    yield { field: "cron", message: "must be given, or every_seconds, or at: exactly one of them" };
  }
  const zoneProblem = findTimezoneProblem(timezone);
  if (zoneProblem !== undefined) yield { field: "timezone", message: zoneProblem };
  if (cron !== null) {
    const problem = cron.length > maxCron ? `must have at most ${maxCron} characters` : findCronProblem(cron);
    if (problem !== undefined) yield { field: "cron", message: problem };
  }
  if (everyMs !== null && !(everyMs >= minEveryMs && everyMs <= maxTimeMs && Number.isInteger(everyMs))) {
    yield { field: "every_seconds", message: "must be at least 1, at most a century, in whole milliseconds" };
  }
  if (at !== null && !isTime(at)) yield { field: "at", message: "must be a valid time" };
}

function* boundProblems({ startAt, endAt, jitterMs, graceMs }: ScheduleFields): Iterable<ScheduleProblem> {
  if (startAt !== null && !isTime(startAt)) yield { field: "start_at", message: "must be a valid time" };
  if (endAt !== null && !isTime(endAt)) yield { field: "end_at", message: "must be a valid time" };
  if (startAt !== null && endAt !== null && endAt < startAt) {
    yield { field: "end_at", message: "must not be before start_at" };
  }
  if (!(jitterMs >= 0 && jitterMs <= dayMs)) {
    yield { field: "jitter_seconds", message: "must be from 0 to a day" };
  }
  if (!(graceMs >= 0 && graceMs <= maxTimeMs)) {
    yield { field: "grace_seconds", message: "must be from 0 to a century" };
  }
}

function* jobProblems({ queue, priority, expiresInMs }: ScheduleFields): Iterable<ScheduleProblem> {
  if (queue !== null && !queueName.test(queue)) {
    yield {
      field: "queue",
      message: "must be small letters, digits and underscores, a letter first, at most 63",
    };
  }
  if (priority !== null && !(Number.isInteger(priority) && priority >= 0 && priority <= 9)) {
    yield { field: "priority", message: "must be a whole number from 0 to 9" };
  }
  if (expiresInMs !== null && !(expiresInMs > 0 && expiresInMs <= maxTimeMs)) {
    yield { field: "expires_seconds", message: "must be more than 0 and at most a century" };
  }
}

function* taskProblems(
  { task: name, input }: ScheduleFields,
  task: Task | undefined,
): Iterable<ScheduleProblem> {
  if (task === undefined) {
    yield { field: "task", message: `is not known here: ${JSON.stringify(name)}` };
    return;
  }
  try {
    jsonText(input);
  } catch (error) {
    yield { field: "input", message: isMillraceError(error) ? error.message : "must be JSON" };
    return;
  }
  const parsed = task.input.safeParse(input);
  if (parsed.success) return;
  for (const { path, message } of parsed.error.issues) {
    yield { field: ["input", ...path.map(String)].join("."), message };
  }
}

function isTime(time: Date): boolean {
  return Math.abs(time.getTime()) <= Date.UTC(9999, 0);
}
