/** The longest time a request waits for its work: shorter than the idle time-outs of common proxies. */
export const maxWaitSeconds = 30;

/** What `Prefer` (RFC 7240) asks for. Unknown preferences are ignored, as the standard wants. */
export type Preferences = {
  readonly respondAsync: boolean;
  /** Whole seconds, at most `maxWaitSeconds`; undefined when not asked for. */
  readonly waitSeconds: number | undefined;
};

/** Never throws: a preference that can't be read is one that was not given. The first of two counts. */
export function parsePrefer(header: string | readonly string[] | undefined): Preferences {
  const text = typeof header === "string" ? header : (header ?? []).join(",");
  const preferences = text.split(",", 20).map((part) => part.split(";", 1)[0]?.trim().toLowerCase() ?? "");
  const waits = preferences.flatMap((part) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(part)?.[1] ?? []);
  const [wait] = waits;
  return {
    respondAsync: preferences.includes("respond-async"),
    waitSeconds: wait === undefined ? undefined : Math.min(Number(wait), maxWaitSeconds),
  };
}

/** The value of `Preference-Applied`; to be sent only when the wait was honoured. */
export function preferenceApplied(waitSeconds: number): string {
  return `wait=${waitSeconds}`;
}
