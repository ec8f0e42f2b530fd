import { setTimeout as delay } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { OwnStalls } from "./own-stalls.ts";

it("tells for how long this process did not run", async () => {
  const stalls = new OwnStalls();
  onTestFinished(() => stalls.stop());
  stalls.start();
  await delay(100);
  const before = stalls.totalMs;

  const untilMs = performance.now() + 1000;
  while (performance.now() < untilMs);
  await delay(100);

  expect(stalls.totalMs - before).toBeGreaterThan(800);
  expect(stalls.longestMs).toBeGreaterThan(800);
});
