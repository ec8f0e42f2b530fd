import type { Worker } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { isGone, lookOf, withSilence } from "./worker-silence.ts";

// The browser's clock is an hour ahead of the server's.
const nowMs = Date.parse("2026-11-20T13:00:00Z");

function worker(changes: Partial<Worker> = {}): Worker {
  return {
    id: "a",
    name: "worker",
    host: "mill",
    pid: 1,
    version: "1",
    queues: [],
    tasks: [],
    state: "running",
    display_state: "running",
    is_live: true,
    wanted_state: null,
    wanted_concurrency: null,
    concurrency: 4,
    running: 0,
    processed: 0,
    failed: 0,
    rss_bytes: 0,
    loop_delay_ms: 0,
    broker: null,
    started_at: "2026-11-20T11:00:00Z",
    beat_at: "2026-11-20T12:00:00Z",
    stopped_at: null,
    links: { self: "", drain: "", stop: "", run: "" },
    ...changes,
  };
}

function looksAfter(seconds: number, changes: Partial<Worker> = {}) {
  const first = withSilence(undefined, [worker()], nowMs);
  return withSilence(first, [worker(changes)], nowMs + seconds * 1000).map(lookOf);
}

describe("a worker that was heard of", () => {
  it("runs, whatever the clocks say", () => {
    expect(withSilence(undefined, [worker()], nowMs).map(lookOf)).toEqual(["running"]);
  });

  it("goes on running as long as new beats come", () => {
    expect(looksAfter(600, { beat_at: "2026-11-20T12:09:55Z" })).toEqual(["running"]);
  });
});

describe("a worker of which nothing more is heard", () => {
  it("is late after one missed beat, lost after two", () => {
    expect(looksAfter(14)).toEqual(["running"]);
    expect(looksAfter(16)).toEqual(["late"]);
    expect(looksAfter(25)).toEqual(["lost"]);
  });

  it("is lost at the first look when another one beat much later", () => {
    const other = worker({ id: "b", beat_at: "2026-11-20T12:00:30Z" });

    expect(withSilence(undefined, [worker(), other], nowMs).map(lookOf)).toEqual(["lost", "running"]);
  });

  it("is lost when the server says so", () => {
    expect(looksAfter(1, { display_state: "silent", is_live: false })).toEqual(["lost"]);
  });

  it("is gone some minutes later", () => {
    const [lost] = withSilence(withSilence(undefined, [worker()], nowMs), [worker()], nowMs + 30_000);
    const [gone] = withSilence(withSilence(undefined, [worker()], nowMs), [worker()], nowMs + 900_000);

    expect([lost, gone].map((seen) => seen !== undefined && isGone(seen))).toEqual([false, true]);
  });
});

describe("a worker that said goodbye", () => {
  it("has stopped, however long ago", () => {
    expect(looksAfter(900, { stopped_at: "2026-11-20T12:00:01Z", display_state: "stopped" })).toEqual([
      "stopped",
    ]);
  });
});
