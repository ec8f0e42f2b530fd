const minuteMs = 60_000;

/** How long a pause lasts: minutes, a moment of one's own, or nothing for "until resumed". */
export const lengthChoices = [
  { value: "", label: "Somebody resumes it" },
  { value: "15", label: "In 15 minutes" },
  { value: "60", label: "In 1 hour" },
  { value: "240", label: "In 4 hours" },
  { value: "1440", label: "In 24 hours" },
  { value: "moment", label: "A date and time…" },
];

/** When it goes on by itself, as the API wants it. `moment` is in the reader's own time zone. */
export function untilMoment({
  length,
  moment,
  nowMs,
}: {
  readonly length: string;
  readonly moment: string;
  readonly nowMs: number;
}): string | undefined {
  if (length === "") return undefined;
  const atMs = length === "moment" ? Date.parse(moment) : nowMs + Number(length) * minuteMs;
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}
