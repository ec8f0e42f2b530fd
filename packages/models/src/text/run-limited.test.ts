import { describe, expect, it } from "vitest";
import { runLimited } from "./run-limited.ts";

const signal = new AbortController().signal;

describe("running a few at a time", () => {
  it("keeps the order of results and the limit", async () => {
    let running = 0;
    let most = 0;
    const items = [5, 1, 4, 2, 3, 0];
    const results = await runLimited(items, { concurrency: 2, signal }, async (item) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
      running -= 1;
      return item * 10;
    });

    expect(results).toEqual([50, 10, 40, 20, 30, 0]);
    expect(most).toBe(2);
  });

  it("starts nothing after a failure, tells what runs, and throws the first one", async () => {
    const started: number[] = [];
    const reasons: unknown[] = [];
    const failure = new Error("first");
    const running = runLimited([0, 1, 2, 3], { concurrency: 2, signal }, async (item, _index, own) => {
      started.push(item);
      if (item === 0) throw failure;
      await new Promise<void>((resolve) => {
        own.addEventListener("abort", () => {
          reasons.push(own.reason);
          resolve();
        });
      });
      throw new Error("later");
    });

    await expect(running).rejects.toBe(failure);
    expect(started).toEqual([0, 1]);
    expect(reasons).toEqual([failure]);
  });

  it("does nothing when it was cancelled before", async () => {
    const cancelled = AbortSignal.abort(new Error("cancelled"));
    const started: number[] = [];
    const running = runLimited([1, 2], { concurrency: 2, signal: cancelled }, async (item) =>
      started.push(item),
    );

    await expect(running).rejects.toThrow("cancelled");
    expect(started).toEqual([]);
  });
});
