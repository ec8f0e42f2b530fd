import { describe, expect, it } from "vitest";
import type { ChangeNotice, StoredEvent } from "./event.ts";
import { missedNews } from "./event-relay.ts";
import { NewsBuffer } from "./news-buffer.ts";

const event = (stream: string, seq: number): StoredEvent => ({
  stream,
  seq,
  type: "job.progressed",
  data: {},
  at: "2026-11-21T00:00:00.000Z",
});

const jobChanged = (id: string, owner: string | null = "o"): ChangeNotice => ({
  topic: "jobs",
  owner,
  type: "job.changed",
  data: { job_id: id },
});

const many = (count: number): string[] => Array.from({ length: count }, (_value, nth) => String(nth));

describe("NewsBuffer", () => {
  it("tells of each stream once, with the highest number, in whatever order they came", () => {
    const buffer = new NewsBuffer();

    buffer.addEvents([event("job:a", 2), event("job:b", 1), event("job:a", 3), event("job:a", 1)]);

    expect(buffer.take().heads).toEqual([
      { stream: "job:a", seq: 3 },
      { stream: "job:b", seq: 1 },
    ]);
  });

  it("is empty after it gave what it gathered", () => {
    const buffer = new NewsBuffer();
    buffer.addEvents([event("job:a", 2)]);
    buffer.addNotice(jobChanged("a"));

    buffer.take();

    expect(buffer.isEmpty).toBe(true);
    expect(buffer.take()).toEqual({ heads: [], crowded: [], notices: [] });
  });

  it("lists no jobs when too many moved, and goes on listing documents", () => {
    const buffer = new NewsBuffer();

    buffer.addEvents(many(1000).map((id) => event(`job:${id}`, 1)));
    buffer.addEvents(many(200).map((id) => event(`document:${id}`, 7)));

    const { heads, crowded } = buffer.take();
    expect(crowded).toEqual(["job"]);
    expect(heads).toHaveLength(200);
    expect(heads[0]).toEqual({ stream: "document:0", seq: 7 });
  });

  it("admits few events of a storm to be put together, and says the rest in a word", () => {
    const buffer = new NewsBuffer();

    const admitted = many(1000).filter((id) => buffer.admit(`job:${id}`, "o"));

    expect(admitted.length).toBeLessThan(200);
    expect(buffer.take()).toEqual({
      heads: [],
      crowded: ["job"],
      notices: [{ topic: "workspace", owner: "o", type: "workspace.changed", data: {} }],
    });
    expect(buffer.admit("job:next", "o")).toBe(true);
  });

  it("tells the same notice once", () => {
    const buffer = new NewsBuffer();

    for (let nth = 0; nth < 10; nth++) buffer.addNotice(jobChanged("a"));

    expect(buffer.take().notices).toEqual([jobChanged("a")]);
  });

  it("tells each owner once that something changed when the notices are too many", () => {
    const buffer = new NewsBuffer();

    for (const id of many(1000)) buffer.addNotice(jobChanged(id, Number(id) % 2 === 0 ? "even" : null));

    const { notices } = buffer.take();
    expect(notices.length).toBeLessThan(100);
    expect(notices).toContainEqual({ topic: "jobs", owner: "even", type: "jobs.changed", data: {} });
    expect(notices).toContainEqual({ topic: "jobs", owner: null, type: "jobs.changed", data: {} });
  });

  it("tells all in one word when the owners are too many", () => {
    const buffer = new NewsBuffer();

    for (const id of many(1000)) buffer.addNotice(jobChanged(id, `owner ${id}`));

    const { notices } = buffer.take();
    expect(notices).toEqual([{ topic: "jobs", owner: null, type: "jobs.changed", data: {}, isForAll: true }]);
  });

  it("says that anything may have happened when something was missed", () => {
    const buffer = new NewsBuffer();
    buffer.addEvents([event("job:a", 2)]);
    for (const id of many(1000)) buffer.addNotice({ ...jobChanged(id), topic: "workspace" });

    buffer.addMissed();
    buffer.addEvents([event("job:b", 2)]);
    buffer.addNotice(jobChanged("b"));

    expect(buffer.take()).toEqual(missedNews);
  });
});
