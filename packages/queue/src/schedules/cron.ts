import { toError } from "@millrace/kernel";
import { Cron } from "croner";

/** Why a cron expression can't be read; undefined when it can. */
export function findCronProblem(cron: string): string | undefined {
  if (cron.trim() === "") return "must not be empty";
  // The library takes a date for a cron expression that fires once.
  if (!/^@\w+$/.test(cron.trim()) && cron.trim().split(/\s+/).length < 5) {
    return "must have five fields (minute hour day month weekday), or six with seconds first";
  }
  try {
    const comes = readCron(cron, "UTC").nextRun(new Date(0)) !== null;
    return comes ? undefined : "never comes: there is no such day";
  } catch (error) {
    return `can't be read: ${toError(error).message.replace(/^CronPattern: /, "")}`;
  }
}

/** Why there is no such time zone; undefined when there is. */
export function findTimezoneProblem(timezone: string): string | undefined {
  try {
    // Throws for a zone that it does not know.
    Intl.DateTimeFormat("en", { timeZone: timezone });
    return undefined;
  } catch {
    return `is not a known time zone: ${JSON.stringify(timezone)}. Give an IANA name, as Europe/Berlin`;
  }
}

/** The first time after `afterMs`; null when there is none. */
export function nextCronTime(cron: string, timezone: string, afterMs: number): number | null {
  return readCron(cron, timezone).nextRun(new Date(afterMs))?.getTime() ?? null;
}

/** The last times up to and with `untilMs`, at most so many, the latest first. */
export function latestCronTimes(
  cron: string,
  timezone: string,
  until: { ms: number; count: number },
): number[] {
  return readCron(cron, timezone)
    .previousRuns(until.count, new Date(until.ms + 1))
    .map((time) => time.getTime());
}

/**
 * What names hours and minutes without `*` and steps comes once a day where clocks are changed: at the first
 * of two such times, and at the end of the gap when there is none. All else goes on as real time does. That
 * is what Vixie cron does.
 */
function readCron(cron: string, timezone: string): Cron {
  return new Cron(cron, { timezone, mode: "5-or-6-parts", fixedTimeRule: "no-wildcard", paused: true });
}
