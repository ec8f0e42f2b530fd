import { ConcurrencyLimit, silentLogger } from "@millrace/kernel";
import { expect, it } from "vitest";
import { SharedReads } from "./shared-reads.ts";

/** Reads that end when the test says so. */
class Store {
  readonly begun: { readonly key: string; readonly end: (value: number | Error) => void }[] = [];
  running = 0;
  mostAtOnce = 0;

  readonly read = async (key: string): Promise<number> => {
    this.running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    const { promise, resolve } = Promise.withResolvers<number | Error>();
    this.begun.push({ key, end: resolve });
    const value = await promise;
    this.running -= 1;
    if (value instanceof Error) throw value;
    return value;
  };

  async nth(count: number): Promise<(typeof this.begun)[number]> {
    await expect.poll(() => this.begun.length).toBeGreaterThanOrEqual(count);
    return this.begun[count - 1]!;
  }
}

function createReads(store: Store, options: { atOnce?: number; maxWaitMs?: number } = {}) {
  const limit = new ConcurrencyLimit(() => options.atOnce ?? 2);
  const { maxWaitMs = 30_000 } = options;
  return new SharedReads({ limit, keyOf: String, read: store.read, maxWaitMs, logger: silentLogger });
}

it("reads once for all who ask before the read begins", async () => {
  const store = new Store();
  const reads = createReads(store);

  const answers = Promise.all(Array.from({ length: 1_000 }, () => reads.read("job")));
  (await store.nth(1)).end(7);

  expect(new Set(await answers)).toEqual(new Set([7]));
  expect(store.begun).toHaveLength(1);
});

it("gives nobody what was read before they asked", async () => {
  const store = new Store();
  const reads = createReads(store);
  const early = reads.read("job");
  const first = await store.nth(1);

  const late = Promise.all([reads.read("job"), reads.read("job")]);
  first.end(1);
  (await store.nth(2)).end(2);

  expect(await early).toBe(1);
  expect(await late).toEqual([2, 2]);
  expect(store.begun).toHaveLength(2);
});

it("reads different things beside each other, no more than the limit lets", async () => {
  const store = new Store();
  const reads = createReads(store, { atOnce: 2 });

  const answers = Promise.all(["a", "b", "c", "d"].map((key) => reads.read(key)));
  for (let count = 1; count <= 4; count += 1) (await store.nth(count)).end(count);

  expect(await answers).toEqual([1, 2, 3, 4]);
  expect(store.mostAtOnce).toBe(2);
});

it("tells a failure to those who shared the read, and reads again for the next", async () => {
  const store = new Store();
  const reads = createReads(store);
  const shared = Promise.allSettled([reads.read("job"), reads.read("job")]);
  (await store.nth(1)).end(new Error("away"));

  expect((await shared).map(({ status }) => status)).toEqual(["rejected", "rejected"]);

  const next = reads.read("job");
  (await store.nth(2)).end(2);
  expect(await next).toBe(2);
});

it("says that it is busy when no place became free in time, and takes up the next that asks", async () => {
  const store = new Store();
  const reads = createReads(store, { atOnce: 1, maxWaitMs: 20 });
  const before = reads.read("slow");
  const slow = await store.nth(1);

  await expect(reads.read("job")).rejects.toMatchObject({ code: "live_busy", retryable: true });

  slow.end(1);
  await before;
  const next = reads.read("job");
  (await store.nth(2)).end(2);
  expect(await next).toBe(2);
});
