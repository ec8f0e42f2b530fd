import { expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../tasks/task.ts";
import { decideEnd } from "./decide-end.ts";

const task = defineTask({
  name: "tests.wait",
  queue: "tests",
  input: z.object({}),
  output: z.object({}),
  retries: 3,
  backoff: { firstSeconds: 60, factor: 2, capSeconds: 600 },
});

/** The longest wait after this failure, in seconds; undefined when it was the last. */
function longestWait(attempt: number, maxAttempts: number): number | undefined {
  const end = decideEnd(new Error("failed"), undefined, { task, attempt, maxAttempts }, () => 1);
  if (end?.outcome !== "failed") throw new Error("not a failure");
  return end.retryInMs === undefined ? undefined : end.retryInMs / 1000;
}

it("waits longer after every failure, up to the last", () => {
  expect([1, 2, 3, 4].map((attempt) => longestWait(attempt, 4))).toEqual([60, 120, 240, undefined]);
});

it("begins the waits anew with a person's retry", () => {
  expect([5, 6, 7, 8].map((attempt) => longestWait(attempt, 8))).toEqual([60, 120, 240, undefined]);
  expect([3, 4, 5, 6].map((attempt) => longestWait(attempt, 6))).toEqual([60, 120, 240, undefined]);
});

it("waits at least the first wait when the program changed the number of retries", () => {
  expect(longestWait(1, 10)).toBe(60);
});
