import { expect, it } from "vitest";
import { defaultRedisTimes } from "./redis-times.ts";
import { retryPauseMs } from "../retry-pause.ts";

it("lets a server that refuses us alone for a second at least, and is back within ten", () => {
  const pauses = Array.from({ length: 200 }, (_, nth) => retryPauseMs(defaultRedisTimes, 1 + (nth % 10)));

  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000);
});

it("finds a dead connection within half a minute", () => {
  const { blockMs, lookEveryMs, answerMs } = defaultRedisTimes;

  expect(Math.max(blockMs, lookEveryMs) + answerMs).toBeLessThanOrEqual(30_000);
});
