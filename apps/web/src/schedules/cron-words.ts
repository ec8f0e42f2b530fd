const macros: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

/** More times a day than this are no easier to read than the expression. */
const maxListed = 4;

/**
 * A cron expression as people say it: "every weekday at 02:30". Undefined for one that has no short
 * words: it is then shown as it is written.
 */
export function cronWords(expression: string): string | undefined {
  const written = expression.trim().toLowerCase();
  const fields = (macros[written] ?? written).split(/\s+/);
  if (fields.length === 6) {
    const [seconds = "", ...rest] = fields;
    const step = stepOf(seconds);
    if (step !== undefined && rest.every((field) => field === "*")) return every(step, "second");
    return seconds === "0" ? fiveFieldWords(rest) : undefined;
  }
  return fields.length === 5 ? fiveFieldWords(fields) : undefined;
}

function fiveFieldWords(fields: readonly string[]): string | undefined {
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  const when = dayWords(day, month, weekday);
  if (when === undefined) return undefined;
  const often = frequency(minute, hour);
  if (often !== undefined) return when === "every day" ? often : `${often}, ${when}`;
  const minutes = numbers(minute, 0, 59);
  const hours = numbers(hour, 0, 23);
  if (minutes === undefined || hours === undefined || minutes.length * hours.length > maxListed)
    return undefined;
  const times = hours.flatMap((h) => minutes.map((m) => `${pad(h)}:${pad(m)}`));
  return `${when} at ${listed(times)}`;
}

/** What comes round within the day. */
function frequency(minute: string, hour: string): string | undefined {
  const minuteStep = stepOf(minute);
  if (minuteStep !== undefined) return hour === "*" ? every(minuteStep, "minute") : undefined;
  const at = numbers(minute, 0, 59);
  const hourStep = stepOf(hour);
  if (at?.length !== 1 || hourStep === undefined) return undefined;
  const past = at[0] === 0 ? "" : `, at minute ${at[0]}`;
  return `${every(hourStep, "hour")}${past}`;
}

function dayWords(day: string, month: string, weekday: string): string | undefined {
  if (weekday !== "*" && weekday !== "?") {
    if (day !== "*" || month !== "*") return undefined;
    return weekdayWords(weekday);
  }
  if (day === "*" || day === "?") return month === "*" ? "every day" : undefined;
  if (day === "l") return month === "*" ? "on the last day of each month" : undefined;
  const days = numbers(day, 1, 31);
  if (days === undefined || days.length > maxListed) return undefined;
  const named = listed(days.map(String));
  if (month === "*") return `on day ${named} of each month`;
  const monthNumbers = numbers(month, 1, 12);
  if (monthNumbers?.length !== 1 || days.length !== 1) return undefined;
  return `every year on ${named} ${months[(monthNumbers[0] ?? 1) - 1]}`;
}

function weekdayWords(field: string): string | undefined {
  const byNumber = field.replaceAll(/[a-z]+/g, (name) => String(weekdayNames.indexOf(name)));
  const found = numbers(byNumber, 0, 7);
  if (found === undefined) return undefined;
  const days = [...new Set(found.map((day) => day % 7))].toSorted((first, second) => first - second);
  if (days.join() === "1,2,3,4,5") return "every weekday";
  if (days.length === 7) return "every day";
  if (days.join() === "0,6") return "every Saturday and Sunday";
  return `every ${listed(days.map((day) => weekdays[day] ?? ""))}`;
}

/** `*` is 1, and `*` with a step that step; undefined for anything else. */
function stepOf(field: string): number | undefined {
  if (field === "*") return 1;
  const step = /^(?:\*|0)\/(\d+)$/.exec(field)?.[1];
  return step === undefined || Number(step) === 0 ? undefined : Number(step);
}

/** The numbers of a list with ranges, as `1,3-5`; undefined for what is not one. */
function numbers(field: string, min: number, max: number): number[] | undefined {
  const found: number[] = [];
  for (const part of field.split(",")) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (range === null) return undefined;
    const from = Number(range[1]);
    const to = range[2] === undefined ? from : Number(range[2]);
    if (from < min || to > max || from > to) return undefined;
    for (let value = from; value <= to; value += 1) found.push(value);
  }
  return found;
}

function every(step: number, unit: string): string {
  return step === 1 ? `every ${unit}` : `every ${step} ${unit}s`;
}

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
