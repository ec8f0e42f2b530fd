import type { Queue, Worker } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { failureRates, withSample } from "./samples.ts";
import type { Sample } from "./samples.ts";

const all: Queue = {
  name: "*",
  counts: { queued: 3 } as Queue["counts"],
  oldest_wait_seconds: null,
  running: 1,
  paused: null,
  max_running: null,
  workers: 1,
  arrived_per_minute: 0,
  finished_per_minute: 12,
  links: { self: "", pause: "", resume: "", purge: "", jobs: "" },
};

function worker(id: string, failed: number): Worker {
  return { id, failed } as Worker;
}

function seen(failures: readonly { atMs: number; workers: readonly Worker[] }[]): Sample[] {
  return failures.reduce<Sample[]>(
    (samples, { atMs, workers }) => withSample(samples, { all, queues: [all], workers }, atMs),
    [],
  );
}

describe("withSample", () => {
  it("keeps one sample every few seconds, the newest among them", () => {
    const samples = seen([0, 1000, 2000, 5000, 6000].map((atMs) => ({ atMs, workers: [] })));

    expect(samples.map(({ atMs }) => atMs)).toEqual([0, 5000, 6000]);
  });

  it("forgets what is older than ten minutes", () => {
    const samples = seen([0, 300_000, 700_000].map((atMs) => ({ atMs, workers: [] })));

    expect(samples.map(({ atMs }) => atMs)).toEqual([300_000, 700_000]);
  });

  it("counts failures since it looks, also of workers that come and go", () => {
    const samples = seen([
      { atMs: 0, workers: [worker("a", 40)] },
      { atMs: 5000, workers: [worker("a", 42), worker("b", 9)] },
      { atMs: 10_000, workers: [worker("b", 10)] },
    ]);

    expect(samples.map(({ failed }) => failed)).toEqual([0, 2, 3]);
  });
});

describe("failureRates", () => {
  it("gives failures per minute over the last minute", () => {
    const samples = seen([
      { atMs: 0, workers: [worker("a", 0)] },
      { atMs: 30_000, workers: [worker("a", 4)] },
      { atMs: 90_000, workers: [worker("a", 4)] },
      { atMs: 150_000, workers: [worker("a", 10)] },
    ]);

    expect(failureRates(samples).map(({ value }) => value)).toEqual([4, 0, 6]);
  });

  it("does not blow a second up to a minute", () => {
    const samples = seen([
      { atMs: 0, workers: [worker("a", 0)] },
      { atMs: 1000, workers: [worker("a", 1)] },
    ]);

    expect(failureRates(samples).map(({ value }) => value)).toEqual([1]);
  });
});
