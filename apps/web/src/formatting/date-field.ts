/** A date field's local time as a moment; null for nothing or half a date. */
export function momentOf(local: string): string | null {
  const atMs = local === "" ? Number.NaN : Date.parse(local);
  return Number.isNaN(atMs) ? null : new Date(atMs).toISOString();
}

/** A moment as a date field wants it: local time, to the second when there are any. */
export function localText(moment: string | null): string {
  if (moment === null) return "";
  const date = new Date(moment);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString();
  return local.slice(0, local.slice(17, 19) === "00" ? 16 : 19);
}
