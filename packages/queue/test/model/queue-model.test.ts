import { describe, expect, it } from "vitest";
import { checkQueue, readModelCheck } from "./queue-property.ts";

const check = readModelCheck(process.env);

/** Without these a thousand runs would have proven little. What a command does only seldom is not among them. */
const expected = [
  "already_finished",
  "answered",
  "cancel_requested",
  "cancelled",
  "claim goes on",
  "claim of a paused queue",
  "claimed from a line",
  "crashed",
  "due",
  "enqueued",
  "events pruned",
  "expired",
  "failed",
  "found another job",
  "handed_back",
  "idempotency_key_reused",
  "invalid_answer",
  "job_id_taken",
  "job_not_ended",
  "job_not_found",
  "job_not_running",
  "job_not_waiting",
  "jobs pruned",
  "late beat refused",
  "late crash refused",
  "late end refused",
  "late success refused",
  "left alone by expire",
  "left alone by purge",
  "left alone by reap",
  "parked for concurrency_limit",
  "parked for rate_limit",
  "released",
  "retried",
  "retry_scheduled",
  "snoozed",
  "succeeded",
  "waiting",
  "waits_for_another",
];

/**
 * Any sequence of what workers, people and time do to the queue, against a model that knows no database. A
 * failure prints the shortest sequence that was found, and how to run it again.
 */
describe("the queue and its model", () => {
  it(`agree after each command of ${check.runs} runs from seed ${check.seed}`, async () => {
    const { failure, noticed } = await checkQueue(check);

    expect(failure, failure).toBeUndefined();
    if (check.runs < 1000) return;
    expect(expected.filter((what) => !noticed.has(what))).toEqual([]);
    // A minute and a half for a thousand on two busy cores; a failure takes its time to be made short.
  }, 3_600_000);
});
