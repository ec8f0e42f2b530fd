// A server that asks for a longer pause than this is as good as down; the job's own limits decide then.
const longestSeconds = 3600;

/**
 * How many seconds a response asks to wait: `retry-after-ms`, `retry-after` in seconds or as a date.
 * Undefined when it does not say or says nonsense; never below 0 nor above an hour.
 */
export function retryAfterSeconds(
  headers: Readonly<Record<string, string>> | undefined,
  now: Date,
): number | undefined {
  const milliseconds = headers?.["retry-after-ms"]?.trim();
  if (milliseconds !== undefined && /^\d+(\.\d+)?$/.test(milliseconds))
    return bounded(Number(milliseconds) / 1000);
  const value = headers?.["retry-after"]?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return bounded(Number(value));
  const at = Date.parse(value);
  return Number.isNaN(at) || !/[a-z]/i.test(value) ? undefined : bounded((at - now.getTime()) / 1000);
}

function bounded(seconds: number): number {
  return Math.min(longestSeconds, Math.max(0, seconds));
}
