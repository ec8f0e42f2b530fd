import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { chain, chord, chunks, group, map, step } from "../../src/index.ts";
import type { StartableFlow, Step } from "../../src/index.ts";
import { useQueue } from "../features/use-queue.ts";
import { add, count, double, keep, plainHandlers, sum } from "./tasks.ts";

describe.each(testDatabases())("a workflow on $name", (kind) => {
  const opened = useQueue(kind);

  const run = async <Output>(flow: StartableFlow<Output>): Promise<Output> => {
    const queue = opened.createQueue(plainHandlers);
    await opened.startWorker(queue);
    const started = await queue.workflows.start(flow);
    expect(await queue.workflows.waitForEnd(started.id, { timeoutMs: 20_000 })).toMatchObject({
      state: "succeeded",
    });
    return await queue.workflows.result(started);
  };

  it("of one job gives what the job gives", async () => {
    expect(await run(step(add, { x: 1, y: 2 }))).toBe(3);
  });

  it("hands the output of each part of a chain to the next", async () => {
    expect(await run(chain(step(add, { x: 1, y: 2 }), step(double), step(double)))).toBe(12);
  });

  it("puts an output under a key of an input", async () => {
    expect(await run(chain(step(add, { x: 1, y: 2 }), step(add, { x: 10 }, { into: "y" })))).toBe(13);
  });

  it("leaves the output alone where the next has an input of its own", async () => {
    expect(await run(chain(step(add, { x: 1, y: 2 }), step(double, 50)))).toBe(100);
  });

  it("gives the outputs of a group in the order of its members", async () => {
    expect(await run(group([step(double, 1), step(add, { x: 2, y: 2 }), step(double, 3)]))).toEqual([
      2, 4, 6,
    ]);
  });

  it("gives each member of a group what goes before it", async () => {
    expect(await run(chain(step(double, 1), group([step(double), step(keep)])))).toEqual([4, 2]);
  });

  it("gives the body of a chord all outputs", async () => {
    expect(await run(chord([step(double, 1), step(double, 2), step(double, 3)], step(sum)))).toBe(12);
  });

  it("makes a job for each element of an output", async () => {
    expect(await run(chain(step(count, 4), map(double), step(sum)))).toBe(12);
  });

  it("maps items and chunks of them", async () => {
    expect(await run(map(double, [1, 2, 3]))).toEqual([2, 4, 6]);
    expect(await run(chunks(sum, [1, 2, 3, 4, 5], 2))).toEqual([3, 7, 5]);
  });

  it("nests chains, groups, chords and maps", async () => {
    const inner = chain(group([step(double), step(double)]), step(sum));
    const flow = chain(
      step(double, 1),
      group([inner, chain(step(count), map(double), step(sum)), chord([step(double)], step(sum))]),
      group([step(sum), step(keep)]),
    );

    expect(await run(flow)).toEqual([14, [8, 2, 4]]);
  });

  it("passes groups and maps of nothing", async () => {
    expect(await run(group([]))).toEqual([]);
    expect(await run(map(double, []))).toEqual([]);
    expect(await run(chain(step(count, 0), map(double)))).toEqual([]);
    expect(await run(chain(group([]), step(keep)))).toEqual([]);
    expect(await run(chord(map(double, []), step(sum)))).toBe(0);
    expect(await run(chain(step(double, 1), group([group([]), group([])]), step(keep)))).toEqual([[], []]);
  });

  it("collects the outcome of each where it is told to", async () => {
    // What it gives is unknown to the compiler, so it can't stand before a task that takes a number.
    const notANumber = step(keep, "not a number") as Step<unknown, number>;
    const flow = chord([step(double, 1), chain(notANumber, step(double))], step(keep), { policy: "collect" });

    expect(await run(flow)).toEqual([
      { ok: true, value: 2 },
      { ok: false, error: { code: "invalid_job_input", message: expect.any(String) } },
    ]);
  });
});
