import { expect, it } from "vitest";
import { retryPauseMs } from "./retry-pause.ts";

const pauses = { minPauseMs: 2_000, maxPauseMs: 10_000 };

it.each([
  { failures: 1, fromMs: 1_000, toMs: 2_000 },
  { failures: 2, fromMs: 2_000, toMs: 4_000 },
  { failures: 3, fromMs: 4_000, toMs: 8_000 },
  { failures: 4, fromMs: 5_000, toMs: 10_000 },
  { failures: 5_000, fromMs: 5_000, toMs: 10_000 },
])("waits $fromMs to $toMs ms after $failures failures", ({ failures, fromMs, toMs }) => {
  const found = Array.from({ length: 200 }, () => retryPauseMs(pauses, failures));

  expect(Math.min(...found)).toBeGreaterThanOrEqual(fromMs);
  expect(Math.max(...found)).toBeLessThanOrEqual(toMs);
  expect(new Set(found).size).toBeGreaterThan(100);
});
