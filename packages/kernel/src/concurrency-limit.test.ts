import { describe, expect, it } from "vitest";
import { ConcurrencyLimit } from "./concurrency-limit.ts";

describe("a limit of work at once", () => {
  it("lets the next in line begin when one has ended, in their order", async () => {
    const limit = new ConcurrencyLimit(() => 1);
    const begun: number[] = [];
    const first = Promise.withResolvers<void>();
    const runs = [0, 1, 2].map((index) =>
      limit.run(async () => {
        begun.push(index);
        if (index === 0) await first.promise;
      }),
    );
    await Promise.resolve();
    expect(begun).toEqual([0]);
    expect(limit.waiting).toBe(2);

    first.resolve();
    await Promise.all(runs);

    expect(begun).toEqual([0, 1, 2]);
    expect(limit.running).toBe(0);
  });

  it("lets one that is told to stop leave the line, and nobody lose a place by it", async () => {
    const limit = new ConcurrencyLimit(() => 1);
    const first = Promise.withResolvers<void>();
    const running = limit.run(() => first.promise);
    const leaving = new AbortController();
    const left = limit.run(() => Promise.resolve(), leaving.signal);
    const last = limit.run(() => Promise.resolve("last"));

    leaving.abort(new Error("enough"));
    await expect(left).rejects.toThrow("enough");
    first.resolve();

    await running;
    expect(await last).toBe("last");
  });
});
