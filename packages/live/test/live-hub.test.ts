import { createLogger, silentLogger } from "@millrace/kernel";
import type { EventFeed } from "@millrace/queue";
import { afterEach, describe, expect, it } from "vitest";
import { createLiveHub } from "../src/index.ts";
import type { LiveHub, LiveHubOptions } from "../src/index.ts";
import { MemoryEventFeed } from "../src/testing/index.ts";

const stream = "document:1";
const started: LiveHub[] = [];

afterEach(async () => {
  for (const hub of started.splice(0)) {
    await hub.stop();
    expect(hub.figures().followers).toBe(0);
  }
});

async function startHub(feed: EventFeed, options: Partial<LiveHubOptions> = {}): Promise<LiveHub> {
  const hub = createLiveHub({ feed, logger: silentLogger, ...options });
  await hub.start();
  started.push(hub);
  return hub;
}

function appendMany(feed: MemoryEventFeed, count: number): void {
  for (let index = 0; index < count; index += 1) feed.append(stream, "document.progressed", { index });
}

/** Follows until so many events have come, or a reset. */
async function collect(hub: LiveHub, since: number, count: number): Promise<(number | "reset")[]> {
  const seen: (number | "reset")[] = [];
  const steps = hub.follow({ stream, since, signal: AbortSignal.timeout(5_000) });
  for await (const step of steps) {
    if (step.kind === "reset") seen.push("reset");
    else seen.push(...step.events.map((event) => event.seq));
    if (seen.length >= count) break;
  }
  return seen;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_value, index) => from + index);
}

it("makes no more reads at once than it may, its own and what is shared together", async () => {
  const memory = new MemoryEventFeed();
  let running = 0;
  let mostAtOnce = 0;
  const count = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    running += 1;
    mostAtOnce = Math.max(mostAtOnce, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return await work();
  };
  const { readHeads, onEvents, onMoved, onNotice } = memory;
  const feed: EventFeed = {
    readHeads,
    onEvents,
    onMoved,
    onNotice,
    read: (name, after, limit) => count(() => memory.read(name, after, limit)),
  };
  const hub = await startHub(feed, { maxReads: 2 });
  const look = hub.share((topic: string) => count(() => Promise.resolve(topic)), String);

  const topics = range(1, 20).map((id) => `document:${id}`);
  await Promise.all(topics.flatMap((topic) => [hub.read(topic, 0, 1), look(topic), look(topic)]));

  expect(mostAtOnce).toBe(2);
  expect(hub.figures().reads).toBe(40);
});

describe("following a stream", () => {
  it("gives what was missed and then what is new, each once and in order", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 250);
    const hub = await startHub(feed);

    const following = collect(hub, 40, 310);
    appendMany(feed, 100);

    expect(await following).toEqual(range(41, 350));
  });

  it("reads history in pages", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 25);
    const hub = await startHub(feed, { pageSize: 10 });

    const sizes: number[] = [];
    for await (const step of hub.follow({ stream, since: 0, signal: AbortSignal.timeout(5_000) })) {
      if (step.kind === "events") sizes.push(step.events.length);
      if (sizes.length === 3) break;
    }

    expect(sizes).toEqual([10, 10, 5]);
  });

  it("costs nothing but one read when a consumer takes its time", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 1);
    const hub = await startHub(feed, { maxBuffered: 4 });
    const steps = hub.follow({ stream, since: 0, signal: AbortSignal.timeout(5_000) });
    await steps.next();

    appendMany(feed, 500);
    const rest: number[] = [];
    for await (const step of steps) {
      if (step.kind === "events") rest.push(...step.events.map((event) => event.seq));
      if (rest.length >= 500) break;
    }

    expect(rest).toEqual(range(2, 501));
  });

  it("finds events whose hints were lost", async () => {
    const feed = new MemoryEventFeed({ hints: "by_hand" });
    const hub = await startHub(feed, { tailPollMs: 10 });

    const following = collect(hub, 0, 3);
    appendMany(feed, 3);

    expect(await following).toEqual([1, 2, 3]);
  });

  it("puts doubled and reordered hints in order", async () => {
    const feed = new MemoryEventFeed({ hints: "by_hand" });
    const hub = await startHub(feed);
    const following = collect(hub, 0, 3);
    const events = range(1, 3).map(() => feed.append(stream, "document.progressed"));

    for (const event of [events[2]!, events[0]!, events[0]!, events[2]!, events[1]!]) feed.hint([event]);

    expect(await following).toEqual([1, 2, 3]);
  });

  it("reads at once what a hint leaves out, without waiting for the poll", async () => {
    const feed = new MemoryEventFeed({ hints: "by_hand" });
    appendMany(feed, 1);
    const hub = await startHub(feed, { tailPollMs: 60_000 });
    const steps = hub.follow({ stream, since: 0, signal: AbortSignal.timeout(2_000) });
    await steps.next();

    appendMany(feed, 2);
    feed.hint([feed.append(stream, "document.progressed")]);
    const seen: number[] = [];
    for await (const step of steps) {
      if (step.kind === "events") seen.push(...step.events.map((event) => event.seq));
      if (seen.length >= 3) break;
    }

    expect(seen).toEqual([2, 3, 4]);
  });

  it("reads again when a hint comes during a read that was too early for it", async () => {
    const feed = new MemoryEventFeed({ hints: "by_hand" });
    appendMany(feed, 1);
    const readBegan = Promise.withResolvers<void>();
    const readMayEnd = Promise.withResolvers<void>();
    const hub = createLiveHub({
      feed: {
        readHeads: feed.readHeads,
        onEvents: feed.onEvents,
        onMoved: feed.onMoved,
        onNotice: feed.onNotice,
        read: async (name, after, limit) => {
          const page = await feed.read(name, after, limit);
          if (after > 0) readBegan.resolve();
          if (after > 0) await readMayEnd.promise;
          return page;
        },
      },
      logger: silentLogger,
      tailPollMs: 60_000,
    });
    await hub.start();
    started.push(hub);
    const following = collect(hub, 0, 4);
    await new Promise(setImmediate);

    appendMany(feed, 1);
    feed.hint([feed.append(stream, "document.progressed")]);
    await readBegan.promise;
    feed.hint([feed.append(stream, "document.progressed")]);
    readMayEnd.resolve();

    expect(await following).toEqual([1, 2, 3, 4]);
  });

  it("warns once of a stream that can't be read, and again when it is so another time", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 1);
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: "warn", name: "test", destination });
    const hub = await startHub(feed, { tailPollMs: 5, logger });

    feed.failReads(4);
    expect(await collect(hub, 0, 1)).toEqual([1]);
    const afterFirst = lines.length;
    feed.failReads(3);
    expect(await collect(hub, 0, 1)).toEqual([1]);

    expect([afterFirst, lines.length]).toEqual([1, 2]);
  });

  it("goes on when the store comes back", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 2);
    feed.failReads(3);
    const hub = await startHub(feed, { tailPollMs: 10 });

    expect(await collect(hub, 0, 2)).toEqual([1, 2]);
  });

  it("makes one read for a thousand watchers of one stream", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 5);
    const hub = await startHub(feed);

    const watchers = range(1, 1_000).map(() => collect(hub, 5, 2));
    await Promise.resolve();
    appendMany(feed, 2);

    for (const seen of await Promise.all(watchers)) expect(seen).toEqual([6, 7]);
    expect(feed.reads).toBeLessThanOrEqual(2);
  });

  it("polls once for all watchers of a stream", async () => {
    const feed = new MemoryEventFeed({ hints: "by_hand" });
    const hub = await startHub(feed, { tailPollMs: 50 });
    const watchers = range(1, 200).map(() => collect(hub, 0, 1));
    await Promise.resolve();

    appendMany(feed, 1);

    await Promise.all(watchers);
    expect(feed.reads).toBeLessThanOrEqual(4);
  });

  it("ends when the signal aborts, and lets go of the stream", async () => {
    const feed = new MemoryEventFeed();
    const hub = await startHub(feed);
    const controller = new AbortController();
    const steps = hub.follow({ stream, since: 0, signal: controller.signal });
    const next = steps.next();

    controller.abort();

    expect((await next).done).toBe(true);
    expect(hub.figures()).toMatchObject({ streams: 0, followers: 0 });
  });

  it("ends when the hub stops, and stops listening", async () => {
    const feed = new MemoryEventFeed();
    const hub = await startHub(feed);
    const next = hub.follow({ stream, since: 0, signal: AbortSignal.timeout(5_000) }).next();

    await hub.stop();

    expect((await next).done).toBe(true);
    expect(feed.listeners).toBe(0);
  });

  it("refuses to follow before the start and after the stop", async () => {
    const hub = createLiveHub({ feed: new MemoryEventFeed(), logger: silentLogger });

    await expect(collect(hub, 0, 1)).rejects.toMatchObject({ code: "live_stopped" });
    await hub.start();
    await hub.stop();
    await hub.stop();

    await expect(collect(hub, 0, 1)).rejects.toMatchObject({ code: "live_stopped" });
  });
});

describe("history that can't be given", () => {
  it("says reset when the oldest events have expired", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 10);
    feed.expire(stream, (event) => event.seq <= 6);
    const hub = await startHub(feed);

    expect(await collect(hub, 5, 1)).toEqual(["reset"]);
    expect(await collect(hub, 6, 4)).toEqual([7, 8, 9, 10]);
  });

  it("says reset when every event has expired and some were missed", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 10);
    feed.expire(stream, () => true);
    const hub = await startHub(feed);

    expect(await collect(hub, 9, 1)).toEqual(["reset"]);
  });

  it("passes holes left by events that are kept for a shorter time, and goes on live", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 20);
    feed.expire(stream, ({ seq }) => seq === 4 || (seq > 8 && seq < 15));
    const hub = await startHub(feed, { pageSize: 5 });

    const watching = [collect(hub, 0, 15), collect(hub, 3, 12), collect(hub, 10, 8)];
    setImmediate(() => appendMany(feed, 2));

    const late = [5, 6, 7, 8, ...range(15, 22)];
    expect(await Promise.all(watching)).toEqual([[1, 2, 3, ...late], late, range(15, 22)]);
  });

  it("says reset to a client from the future", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 3);
    const hub = await startHub(feed);

    expect(await collect(hub, 8, 1)).toEqual(["reset"]);
  });

  it("does not take a client that is ahead of the hints for one from the future", async () => {
    const feed = new MemoryEventFeed({ hints: "by_hand" });
    const hub = await startHub(feed);
    const watching = collect(hub, 0, 4);
    await Promise.resolve();
    appendMany(feed, 3);

    const ahead = collect(hub, 3, 1);
    const event = feed.append(stream, "document.progressed");
    feed.hint([event]);

    expect(await ahead).toEqual([4]);
    expect(await watching).toEqual([1, 2, 3, 4]);
  });

  it("says reset when the stream is removed while it is watched", async () => {
    const feed = new MemoryEventFeed();
    appendMany(feed, 3);
    const hub = await startHub(feed, { tailPollMs: 10 });
    const following = collect(hub, 2, 2);

    await Promise.resolve();
    setImmediate(() => feed.remove(stream));

    expect(await following).toEqual([3, "reset"]);
  });
});

describe("hearing of other processes", () => {
  const unhinted = { tailPollMs: 3_600_000 };

  /** A hub with one follower that has seen the first event. */
  async function followed(options: Partial<LiveHubOptions> = {}) {
    const feed = new MemoryEventFeed({ hints: "by_hand" });
    feed.append(stream, "document.progressed");
    const hub = await startHub(feed, { ...unhinted, ...options });
    const steps = hub.follow({ stream, since: 0, signal: AbortSignal.timeout(5_000) });
    await steps.next();
    const numbers = async (count: number): Promise<number[]> => {
      const seen: number[] = [];
      for await (const step of steps) {
        if (step.kind === "events") seen.push(...step.events.map((event) => event.seq));
        if (seen.length >= count) break;
      }
      return seen;
    };
    return { feed, hub, numbers };
  }

  it("reads what a stream has more, once for all who follow it", async () => {
    const { feed, hub, numbers } = await followed();
    const others = Array.from({ length: 20 }, () => collect(hub, 1, 2));
    await new Promise(setImmediate);
    const before = feed.reads;

    appendMany(feed, 2);
    feed.move({ heads: [{ stream, seq: 3 }] });

    expect(await Promise.all([numbers(2), ...others])).toEqual(Array.from({ length: 21 }, () => [2, 3]));
    expect(feed.reads - before).toBe(1);
  });

  it("takes doubled, late and reordered numbers without reading again", async () => {
    const { feed, numbers } = await followed();
    appendMany(feed, 2);
    feed.move({ heads: [{ stream, seq: 3 }] });
    expect(await numbers(2)).toEqual([2, 3]);
    const before = feed.reads;

    for (const seq of [2, 3, 1]) feed.move({ heads: [{ stream, seq }] });
    await new Promise(setImmediate);

    expect(feed.reads).toBe(before);
  });

  it("reads nothing for streams that nobody here follows", async () => {
    const { feed, numbers } = await followed();
    const before = feed.reads;

    feed.move({ heads: range(1, 1000).map((nth) => ({ stream: `job:${nth}`, seq: nth })) });
    feed.move({ crowded: ["job"] });
    appendMany(feed, 2);
    feed.move({ heads: [{ stream, seq: 3 }] });

    expect(await numbers(2)).toEqual([2, 3]);
    expect(feed.reads - before).toBe(1);
    expect(feed.headReads).toBe(0);
  });

  it.each(["document", "*"])(
    "looks at what it watches when too much of %s moved to be named",
    async (domain) => {
      const { feed, numbers } = await followed();

      appendMany(feed, 2);
      feed.move({ crowded: [domain] });

      expect(await numbers(2)).toEqual([2, 3]);
      expect(feed.headReads).toBe(1);
    },
  );

  it("looks seldom however often it is told to", async () => {
    const { feed, numbers } = await followed({ lookEveryMs: 100 });

    for (let nth = 0; nth < 100; nth++) feed.move({ crowded: ["*"] });
    await new Promise(setImmediate);
    appendMany(feed, 2);
    for (let nth = 0; nth < 100; nth++) feed.move({ crowded: ["*"] });

    expect(await numbers(2)).toEqual([2, 3]);
    expect(feed.headReads).toBe(2);
  });

  it("looks again when it could not", async () => {
    const { feed, numbers } = await followed({ lookEveryMs: 10 });
    appendMany(feed, 2);

    feed.failReads(1);
    feed.move({ crowded: ["*"] });

    expect(await numbers(2)).toEqual([2, 3]);
    expect(feed.headReads).toBe(2);
  });
});
