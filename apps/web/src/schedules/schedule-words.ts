import type { Schedule } from "@millrace/contracts";
import { formatAbsolute } from "../formatting/time.ts";
import { cronWords } from "./cron-words.ts";

type Timing = Pick<Schedule, "cron" | "every_seconds" | "at">;

/** When a schedule runs, as people say it; a cron expression without short words stands for itself. */
export function ruleWords({ cron, every_seconds: everySeconds, at }: Timing): string {
  if (cron !== null) return capitalised(cronWords(cron) ?? cron);
  if (everySeconds !== null) return `Every ${intervalWords(everySeconds)}`;
  return at === null ? "Never" : `Once, ${formatAbsolute(at)}`;
}

const units = [
  { seconds: 86_400, one: "day", many: "days" },
  { seconds: 3600, one: "hour", many: "hours" },
  { seconds: 60, one: "minute", many: "minutes" },
  { seconds: 1, one: "second", many: "seconds" },
] as const;

/** "15 minutes", "hour", "2 days": in the largest unit that it is a whole number of. */
export function intervalWords(seconds: number): string {
  const { count, unit } = intervalOf(seconds);
  const words = units.find((candidate) => candidate.seconds === unit) ?? units[3];
  return count === 1 ? words.one : `${count} ${words.many}`;
}

/** An interval in the largest unit, given in seconds, that it is a whole number of. */
export function intervalOf(seconds: number): { readonly count: number; readonly unit: number } {
  const unit = units.find((candidate) => Number.isInteger(seconds / candidate.seconds))?.seconds ?? 1;
  return { count: seconds / unit, unit };
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
