import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { raceAgainst, sleep, StopError, stopReason } from "./abort.ts";

describe("sleep", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("waits as long as it is told", async () => {
    let isOver = false;
    const waiting = sleep(1_000).then(() => (isOver = true));

    await vi.advanceTimersByTimeAsync(999);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);

    await waiting;
    expect(isOver).toBe(true);
  });

  it.each(["cancelled", "timed_out", "lease_lost", "shutdown"] as const)(
    "ends with the very reason of an abort: %s",
    async (reason) => {
      const controller = new AbortController();
      const error = new StopError(reason, "stop now");
      const waiting = sleep(60_000, controller.signal);

      controller.abort(error);

      await expect(waiting).rejects.toBe(error);
      expect(stopReason(controller.signal)).toBe(reason);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it("does not begin on a signal that is aborted already", async () => {
    const error = new StopError("shutdown", "stopping");

    await expect(sleep(60_000, AbortSignal.abort(error))).rejects.toBe(error);

    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves no listener on the signal when it is over", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");

    const waiting = sleep(10, signal);
    await vi.advanceTimersByTimeAsync(10);
    await waiting;

    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(
      added.mock.calls.map(([, listener]) => listener),
    );
  });

  it("waits longer than a timer can, instead of not at all", async () => {
    let isOver = false;
    const days = 30 * 24 * 60 * 60 * 1000;
    const waiting = sleep(days).then(() => (isOver = true));

    await vi.advanceTimersByTimeAsync(days - 1);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
  });
});

describe("stopReason", () => {
  it("knows nothing of signals that run on or were aborted by others", () => {
    expect(stopReason(new AbortController().signal)).toBeUndefined();
    expect(stopReason(AbortSignal.abort())).toBeUndefined();
  });
});

describe("raceAgainst", () => {
  it("gives what the work gives", async () => {
    expect(await raceAgainst(new AbortController().signal, Promise.resolve(7))).toBe(7);
  });

  it.each(["before", "meanwhile"])("leaves work that never ends when the signal aborts %s", async (when) => {
    const stop = new AbortController();
    if (when === "before") stop.abort(new Error("enough"));
    const waiting = raceAgainst(stop.signal, new Promise(() => undefined));
    stop.abort(new Error("enough"));

    await expect(waiting).rejects.toThrow("enough");
  });
});
