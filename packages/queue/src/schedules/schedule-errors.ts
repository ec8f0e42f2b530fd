import { MillraceError } from "@millrace/kernel";
import type { ErrorItem } from "@millrace/kernel";

/** One field of a schedule that can't be; named as in REST, `/every_seconds`. */
export type ScheduleProblem = { readonly field: string; readonly message: string };

export function invalidSchedule(name: string, problems: readonly ScheduleProblem[]): MillraceError {
  const items: ErrorItem[] = problems.map(({ field, message }) => ({
    pointer: `/${field.replaceAll(".", "/")}`,
    code: "invalid_value",
    message,
  }));
  return new MillraceError({
    code: "invalid_schedule",
    kind: "invalid",
    message: `Schedule ${JSON.stringify(name)}: ${problems.map(({ field, message }) => `${field} ${message}`).join("; ")}.`,
    details: { name },
    items,
  });
}

export function scheduleNotFound(id: string): MillraceError {
  return new MillraceError({
    code: "schedule_not_found",
    kind: "not_found",
    message: `There is no schedule ${JSON.stringify(id)}. List the schedules to see which there are.`,
    details: { id },
  });
}

export function scheduleNameTaken(name: string): MillraceError {
  return new MillraceError({
    code: "schedule_name_taken",
    kind: "conflict",
    message: `There is a schedule ${JSON.stringify(name)} already. Change that one, or choose another name.`,
    details: { name },
  });
}

export function scheduleIsDeclared(name: string, source: string): MillraceError {
  const owner = source === "product" ? "Millrace itself" : "the program's configuration";
  return new MillraceError({
    code: "schedule_is_declared",
    kind: "conflict",
    message: `${JSON.stringify(name)} is declared by ${owner} and would come back. Pause it instead${source === "product" ? "" : ", or take it out of the configuration"}.`,
    details: { name, source },
  });
}

export function invalidDuration(given: unknown): MillraceError {
  return new MillraceError({
    code: "invalid_duration",
    kind: "invalid",
    message: `${JSON.stringify(given)} is not a duration. Write milliseconds, or a number and its unit: "30s", "15m", "6h", "1d", "2w".`,
    details: { given },
  });
}
