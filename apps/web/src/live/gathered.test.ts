import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Gathered } from "./gathered.ts";

let runs: number;
let gathered: Gathered;

beforeEach(() => {
  vi.useFakeTimers();
  runs = 0;
  gathered = new Gathered(() => (runs += 1));
});
afterEach(() => {
  gathered.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it("runs once for all that asked, and again for what comes after", () => {
  for (let count = 0; count < 10; count += 1) gathered.within(400);
  vi.advanceTimersByTime(400);
  expect(runs).toBe(1);

  gathered.within(400);
  vi.advanceTimersByTime(400);
  expect(runs).toBe(2);
});

it("runs for the one who can wait least", () => {
  gathered.within(3000);
  gathered.within(400);
  vi.advanceTimersByTime(400);
  expect(runs).toBe(1);

  vi.advanceTimersByTime(10_000);
  expect(runs).toBe(1);
});

it("is not put off by those who keep asking", () => {
  for (let count = 0; count < 30; count += 1) {
    gathered.within(3000);
    vi.advanceTimersByTime(100);
  }

  expect(runs).toBe(1);
});

it("does not run once it is stopped", () => {
  gathered.within(400);

  gathered.stop();
  vi.advanceTimersByTime(1000);

  expect(runs).toBe(0);
});
