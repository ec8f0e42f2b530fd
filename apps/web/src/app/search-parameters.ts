/**
 * Query strings as plain text. The router's own way reads values as JSON or numbers, and a search
 * for 123 would no longer be text.
 */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** The query string with its question mark; nothing for parameters that are not set. */
export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === "string" && value !== "") parameters.set(name, value);
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** A moment of an address; undefined when it is none that the server would take. */
export function readMoment(value: unknown): string | undefined {
  if (typeof value !== "string" || !/^\d{4}-/.test(value)) return undefined;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}
