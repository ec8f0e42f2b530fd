import { expect, it } from "vitest";
import { Batcher } from "./batcher.ts";

/** Doubles numbers, notes its calls, and lets them go on only when it is told to. */
function doubling(options: {
  readonly bad?: number;
  readonly maxSize?: number;
  readonly maxInFlight?: number;
}) {
  const calls: (readonly number[])[] = [];
  const open = Promise.withResolvers<void>();
  const batcher = new Batcher<number, number>({
    maxSize: options.maxSize ?? 100,
    maxInFlight: options.maxInFlight ?? 1,
    isOfOne: (error) => error instanceof RangeError,
    run: async (numbers) => {
      calls.push(numbers);
      await open.promise;
      if (options.bad !== undefined && numbers.includes(options.bad)) throw new RangeError("bad");
      return numbers.map((number) => number * 2);
    },
  });
  return { batcher, calls, open };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_none, nth) => nth);

it("does calls of one turn of the event loop together, and gives each its own result", async () => {
  const { batcher, calls, open } = doubling({});
  open.resolve();

  expect(await Promise.all(numbers(5).map((number) => batcher.add(number)))).toEqual([0, 2, 4, 6, 8]);
  expect(calls).toEqual([[0, 1, 2, 3, 4]]);
});

it("gathers what comes while others are under way", async () => {
  const { batcher, calls, open } = doubling({});
  const first = batcher.add(1);
  await expect.poll(() => calls.length).toBe(1);
  const later = [batcher.add(2), batcher.add(3)];
  open.resolve();

  await Promise.all([first, ...later]);

  expect(calls).toEqual([[1], [2, 3]]);
});

it("has no more under way at once than it may, of no more than it may", async () => {
  const { batcher, calls, open } = doubling({ maxSize: 2, maxInFlight: 2 });
  const adding = numbers(7).map((number) => batcher.add(number));
  await expect.poll(() => calls.length).toBe(2);
  open.resolve();

  await Promise.all(adding);

  expect(calls.map((call) => call.length)).toEqual([2, 2, 2, 1]);
});

it.each([
  { count: 90, calls: [45, 45] },
  { count: 20, calls: [20] },
])("shares $count out among the calls that may be under way as $calls", async ({ count, calls }) => {
  const { batcher, calls: made, open } = doubling({ maxInFlight: 2 });
  const adding = numbers(count).map((number) => batcher.add(number));
  await expect.poll(() => made.map((call) => call.length)).toEqual(calls);
  open.resolve();

  await Promise.all(adding);

  expect(made).toHaveLength(calls.length);
});

it("fails the one that can't work, and no other, with few more calls", async () => {
  const { batcher, calls, open } = doubling({ bad: 777, maxSize: 1000 });
  open.resolve();

  const results = await Promise.allSettled(numbers(1000).map((number) => batcher.add(number)));

  const failed = results.flatMap(({ status }, index) => (status === "rejected" ? [index] : []));
  expect(failed).toEqual([777]);
  expect(calls.length).toBeLessThanOrEqual(21);
});

it("fails all of a call when none of them is the reason", async () => {
  const calls: number[] = [];
  const batcher = new Batcher<number, number>({
    maxSize: 10,
    maxInFlight: 1,
    isOfOne: () => false,
    run: async (all) => {
      calls.push(all.length);
      throw new Error("away");
    },
  });

  const results = await Promise.allSettled([1, 2, 3].map((number) => batcher.add(number)));

  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(calls).toEqual([3]);
});
