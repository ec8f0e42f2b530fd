import { BackgroundWork, silentLogger } from "@millrace/kernel";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { HeadLook } from "./head-look.ts";

let isAway: boolean;
let looks: string[][];
let warnings: number;
let headLook: HeadLook;

beforeEach(() => {
  vi.useFakeTimers();
  isAway = false;
  looks = [];
  warnings = 0;
  const logger = silentLogger.child({});
  Object.assign(logger, { warn: () => void warnings++ });
  headLook = new HeadLook({
    look: async (domains) => {
      looks.push([...domains]);
      if (isAway) throw new Error("the database is away");
    },
    background: new BackgroundWork(silentLogger),
    logger,
    everyMs: 500,
  });
});
afterEach(() => {
  headLook.stop();
  vi.useRealTimers();
});

it("answers by one look what is asked while it pauses", async () => {
  headLook.request(["a"]);
  await vi.advanceTimersByTimeAsync(0);
  headLook.request(["b"]);
  headLook.request(["b", "c"]);

  await vi.advanceTimersByTimeAsync(10_000);

  expect(looks).toEqual([["a"], ["b", "c"]]);
});

it("looks again after a failure, less and less often, and warns once until a look succeeds", async () => {
  isAway = true;
  headLook.request(["a"]);
  await vi.advanceTimersByTimeAsync(600_000);
  // After 1, 2, 4 and 8 seconds, and then every ten.
  expect(looks.length).toBeGreaterThan(60);
  expect(looks.length).toBeLessThan(70);
  expect(warnings).toBe(1);

  isAway = false;
  await vi.advanceTimersByTimeAsync(10_000);
  const before = looks.length;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(looks).toHaveLength(before);
  expect(looks.every((domains) => domains.join() === "a")).toBe(true);

  isAway = true;
  headLook.request(["b"]);
  await vi.advanceTimersByTimeAsync(1_100);
  expect(looks.slice(before)).toEqual([["b"], ["b"]]);
  expect(warnings).toBe(2);
});
