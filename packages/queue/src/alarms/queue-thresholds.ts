import { invalidQueueThresholds } from "./alarm-errors.ts";

type QueueThreshold = {
  /** The name of a queue, or its beginning when `isPrefix`. */
  readonly name: string;
  readonly isPrefix: boolean;
  /** Infinite for `off`. */
  readonly limit: number;
};

/** Thresholds by the name of a queue. */
export type QueueThresholds = readonly QueueThreshold[];

/**
 * Reads `chat:10,mail_*:500,*:10000`; `off` in place of a number means no alarm. Throws
 * `invalid_queue_thresholds`.
 */
export function parseQueueThresholds(text: string): QueueThresholds {
  const thresholds = text.split(",").map((part) => parseOne(text, part.trim()));
  const names = thresholds.map(({ name, isPrefix }) => `${name}${isPrefix ? "*" : ""}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalidQueueThresholds(text, `${twice} is there twice.`);
  return thresholds;
}

function parseOne(text: string, part: string): QueueThreshold {
  const [, name, star, value] = /^([a-z0-9_]*)(\*?)\s*:\s*(\d{1,15}|off)$/.exec(part) ?? [];
  if (name === undefined || value === undefined || `${name}${star}` === "") {
    throw invalidQueueThresholds(text, `${JSON.stringify(part)} is no queue with its threshold.`);
  }
  const limit = value === "off" ? Infinity : Number(value);
  if (limit < 1) throw invalidQueueThresholds(text, `The threshold of ${name}${star} must be at least 1.`);
  return { name, isPrefix: star === "*", limit };
}

/** The threshold of a queue: its own, else that of the longest beginning; infinite when there is none. */
export function thresholdOf(thresholds: QueueThresholds, queue: string): number {
  const own = thresholds.find(({ name, isPrefix }) => !isPrefix && name === queue);
  if (own !== undefined) return own.limit;
  const [closest] = thresholds
    .filter(({ name, isPrefix }) => isPrefix && queue.startsWith(name))
    .toSorted((left, right) => right.name.length - left.name.length);
  return closest?.limit ?? Infinity;
}
