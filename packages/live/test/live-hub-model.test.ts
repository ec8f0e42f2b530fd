import { silentLogger } from "@millrace/kernel";
import type { StoredEvent } from "@millrace/queue";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLiveHub } from "../src/index.ts";
import type { LiveHub } from "../src/index.ts";
import { MemoryEventFeed } from "../src/testing/index.ts";

const stream = "document:model";

/** What happens to the hint of one event, and between it and the next. */
const hintFate = fc.record({
  copies: fc.integer({ min: 0, max: 3 }),
  delayedBy: fc.integer({ min: 0, max: 6 }),
  yields: fc.boolean(),
});

const scenario = fc.record({
  before: fc.integer({ min: 0, max: 60 }),
  fates: fc.array(hintFate, { maxLength: 60 }),
  pageSize: fc.integer({ min: 1, max: 20 }),
  maxBuffered: fc.integer({ min: 1, max: 20 }),
  watchers: fc.array(fc.record({ joinsAt: fc.nat(60), since: fc.nat(60), leavesAfter: fc.nat(40) }), {
    minLength: 1,
    maxLength: 6,
  }),
});

/** Watches to the end, leaving once on the way and coming back with the last number seen. */
async function watch(hub: LiveHub, since: number, leavesAfter: number, last: number): Promise<number[]> {
  const seen: number[] = [];
  const signal = AbortSignal.timeout(10_000);
  for (const limit of [leavesAfter, Number.POSITIVE_INFINITY]) {
    let position = seen.at(-1) ?? since;
    if (position >= last) break;
    const end = Math.min(last, position + limit);
    if (position >= end) continue;
    for await (const step of hub.follow({ stream, since: position, signal })) {
      if (step.kind === "reset") throw new Error("history was there, and yet it was said to have expired");
      for (const event of step.events) {
        if (event.seq <= end) seen.push(event.seq);
      }
      position = seen.at(-1) ?? position;
      if (position >= end) break;
    }
  }
  return seen;
}

describe("hints that are lost, doubled, delayed and reordered", () => {
  it("never make a watcher miss a number, see it twice or out of order", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ before, fates, pageSize, maxBuffered, watchers }) => {
        const feed = new MemoryEventFeed({ hints: "by_hand" });
        const hub = createLiveHub({ feed, logger: silentLogger, tailPollMs: 5, pageSize, maxBuffered });
        await hub.start();
        for (let index = 0; index < before; index += 1) feed.append(stream, "document.progressed");
        const last = before + fates.length;
        const watching: Promise<{ since: number; seen: number[] }>[] = [];
        const underway: { at: number; event: StoredEvent }[] = [];

        for (const [index, fate] of fates.entries()) {
          for (const watcher of watchers.filter(({ joinsAt }) => joinsAt % fates.length === index)) {
            const since = Math.min(watcher.since, feed.lastSeq(stream));
            watching.push(watch(hub, since, watcher.leavesAfter, last).then((seen) => ({ since, seen })));
          }
          const event = feed.append(stream, "document.progressed");
          for (let copy = 0; copy < fate.copies; copy += 1) {
            underway.push({ at: index + fate.delayedBy * (copy + 1), event });
          }
          for (const hint of underway.filter(({ at }) => at === index)) feed.hint([hint.event]);
          if (fate.yields) await new Promise(setImmediate);
        }

        for (const { since, seen } of await Promise.all(watching)) {
          expect(seen).toEqual(Array.from({ length: last - since }, (_value, index) => since + index + 1));
        }
        await hub.stop();
        expect(hub.figures()).toMatchObject({ streams: 0, followers: 0 });
      }),
      { numRuns: 150, seed: 20_261_120 },
    );
  }, 30_000);
});
