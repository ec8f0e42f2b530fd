const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
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
];

const two = (value: number): string => String(value).padStart(2, "0");

const codes: Readonly<Record<string, (date: Date) => string>> = {
  "%": () => "%",
  Y: (date) => String(date.getUTCFullYear()),
  y: (date) => two(date.getUTCFullYear() % 100),
  m: (date) => two(date.getUTCMonth() + 1),
  d: (date) => two(date.getUTCDate()),
  H: (date) => two(date.getUTCHours()),
  I: (date) => two(date.getUTCHours() % 12 || 12),
  p: (date) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  M: (date) => two(date.getUTCMinutes()),
  S: (date) => two(date.getUTCSeconds()),
  j: (date) => String(dayOfYear(date)).padStart(3, "0"),
  A: (date) => weekdays[date.getUTCDay()] ?? "",
  a: (date) => (weekdays[date.getUTCDay()] ?? "").slice(0, 3),
  B: (date) => months[date.getUTCMonth()] ?? "",
  b: (date) => (months[date.getUTCMonth()] ?? "").slice(0, 3),
};

/** The codes of a strftime format that are not known here. */
export function unknownDateCodes(format: string): string[] {
  return [...format.matchAll(/%(.?)/gs)]
    .filter((match) => !Object.hasOwn(codes, match[1] ?? ""))
    .map((match) => match[0]);
}

/** A moment as strftime writes it, in UTC and English. */
export function formatDate(date: Date, format: string): string {
  return format.replaceAll(/%(.)/gs, (whole, code: string) => codes[code]?.(date) ?? whole);
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start) / 86_400_000) + 1;
}
