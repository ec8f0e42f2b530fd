import { expect, it, onTestFinished } from "vitest";
import { newId, silentLogger } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { z } from "zod";
import { StoredCache } from "../src/index.ts";
import type { CacheStore, FoundFrom } from "../src/index.ts";

const hour = 3_600_000;
const key = (): string => `test:${newId()}`;

/** What every store must do. `openStore` gives one more way to the same kept values, as another process has. */
export function cacheSuite(openStore: () => CacheStore): void {
  const openCache = (): StoredCache => {
    const cache = new StoredCache({ store: openStore(), logger: silentLogger });
    onTestFinished(() => cache.stop());
    return cache;
  };

  it("gives back what was set, as the schema reads it, here and elsewhere", async () => {
    const at = key();
    await openCache().set(at, { name: "Zoë \u0000 🙂", at: "2026-01-02T03:04:05.000Z" }, { ttlMs: hour });

    const found = await openCache().get(at, z.object({ name: z.string(), at: z.coerce.date() }));

    expect(found).toEqual({ name: "Zoë \u0000 🙂", at: new Date("2026-01-02T03:04:05.000Z") });
  });

  it("has nothing under a key that nobody set", async () => {
    expect(await openCache().get(key(), z.unknown())).toBeUndefined();
  });

  it("takes a value of another shape for a miss, and leaves it to those who can read it", async () => {
    const cache = openCache();
    const at = key();
    await cache.set(at, { old: true }, { ttlMs: hour });

    expect(await cache.get(at, z.strictObject({ fresh: z.boolean() }))).toBeUndefined();
    expect(await cache.get(at, z.object({ old: z.boolean() }))).toEqual({ old: true });
  });

  it("forgets a value when its time is over", async () => {
    const cache = openCache();
    const at = key();
    await cache.set(at, 1, { ttlMs: 30 });

    await waitFor(async () => (await cache.get(at, z.number())) === undefined, { describe: "the end" });
    expect(await cache.once(at, { ttlMs: hour, schema: z.number() }, async () => 2)).toBe(2);
  });

  it("deletes one value, and all with a tag", async () => {
    const cache = openCache();
    const [first, second, third] = [key(), key(), key()];
    const tag = key();
    await cache.set(first, 1, { ttlMs: hour });
    await cache.set(second, 2, { ttlMs: hour, tags: [tag, key()] });
    await cache.set(third, 3, { ttlMs: hour, tags: [key(), tag] });
    const read = () => Promise.all([first, second, third].map((at) => cache.get(at, z.number())));

    await openCache().deleteByTag(tag);
    expect(await read()).toEqual([1, undefined, undefined]);
    await openCache().delete(first);
    expect(await read()).toEqual([undefined, undefined, undefined]);
  });

  it("deletes a thousand values by their tag", async () => {
    const cache = openCache();
    const tag = key();
    const keys = Array.from({ length: 1_100 }, key);
    for (const at of keys) await cache.set(at, 1, { ttlMs: hour, tags: [tag] });

    await cache.deleteByTag(tag);

    const left = await Promise.all(keys.map((at) => cache.get(at, z.number())));
    expect(left.filter((value) => value !== undefined)).toEqual([]);
  });

  it("computes a value once for all that ask at the same time", async () => {
    const caches = [openCache(), openCache()];
    const at = key();
    const release = Promise.withResolvers<void>();
    let computed = 0;
    const compute = async () => {
      computed++;
      await release.promise;
      return { answer: 42 };
    };
    const options = { ttlMs: hour, schema: z.object({ answer: z.number() }) };
    const asked = Array.from({ length: 100 }, (_, nth) => caches[nth % 2]!.once(at, options, compute));
    await waitFor(() => computed > 0, { describe: "the computing to begin" });
    release.resolve();

    expect(await Promise.all(asked)).toEqual(Array.from({ length: 100 }, () => ({ answer: 42 })));
    expect(computed).toBe(1);
    expect(await openCache().get(at, options.schema)).toEqual({ answer: 42 });
  });

  it("says of what it did not compute whether it was there, or was being computed", async () => {
    const [first, second] = [openCache(), openCache()];
    const at = key();
    const release = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    let told: Record<string, FoundFrom> = {};
    const ask = (who: string, cache: StoredCache) =>
      cache.once(
        at,
        { ttlMs: hour, schema: z.string(), onFound: (from) => void (told[who] = from) },
        async () => {
          began.resolve();
          await release.promise;
          return "value";
        },
      );
    const asked = [ask("who computes", first)];
    await began.promise;
    asked.push(ask("who waits beside", first), ask("who waits elsewhere", second));
    // Each takes longer than it takes the other process to learn that the value is being computed.
    for (const other of [key(), key()])
      await second.once(other, { ttlMs: hour, schema: z.string() }, async () => "");
    release.resolve();
    await Promise.all(asked);
    expect(told).toEqual({ "who waits beside": "awaited", "who waits elsewhere": "awaited" });
    told = {};

    await Promise.all([ask("later", first), ask("later beside", first), ask("later elsewhere", second)]);

    expect(told).toEqual({ later: "kept", "later beside": "kept", "later elsewhere": "kept" });
  });

  it("computes each of many values once, for two processes that ask for all of them in another order", async () => {
    const keys = Array.from({ length: 300 }, key);
    const tags = [key()];
    const options = { ttlMs: hour, schema: z.string(), tags };
    const computed: string[] = [];
    const askAll = async (asked: readonly string[]) => {
      const cache = openCache();
      const ask = (at: string) =>
        cache.once(at, options, async () => {
          computed.push(at);
          return `value of ${at}`;
        });
      return await Promise.all(asked.map(ask));
    };
    const cache = openCache();
    await Promise.all(keys.slice(0, 100).map((at) => cache.set(at, `value of ${at}`, options)));

    const [forth, back] = await Promise.all([askAll(keys), askAll(keys.toReversed())]);

    expect(forth).toEqual(keys.map((at) => `value of ${at}`));
    expect(back).toEqual(forth.toReversed());
    expect(computed.toSorted()).toEqual(keys.slice(100).toSorted());
    await cache.deleteByTag(tags[0] ?? "");
    expect(await Promise.all(keys.map((at) => cache.get(at, z.string())))).toEqual(keys.map(() => undefined));
  });

  it("gives each of many that ask at once what is under their own key", async () => {
    const cache = openCache();
    const keys = Array.from({ length: 250 }, key);
    const isKept = (nth: number) => nth % 2 === 0;
    const set = async (at: string, nth: number) => {
      if (isKept(nth)) await cache.set(at, nth, { ttlMs: hour });
    };
    await Promise.all(keys.map(set));

    const found = await Promise.all([...keys, ...keys].map((at) => cache.get(at, z.number())));

    const expected = keys.map((_, nth) => (isKept(nth) ? nth : undefined));
    expect(found).toEqual([...expected, ...expected]);
  });

  it("does not keep a failure: who asks next computes", async () => {
    const cache = openCache();
    const at = key();
    const options = { ttlMs: hour, schema: z.string() };

    await expect(cache.once(at, options, () => Promise.reject(new Error("no luck")))).rejects.toThrow(
      "no luck",
    );
    expect(await openCache().once(at, options, async () => "luck")).toBe("luck");
  });

  it("goes to the next in line when the one who computes fails", async () => {
    const [first, second] = [openCache(), openCache()];
    const at = key();
    const options = { ttlMs: hour, schema: z.string() };
    const fails = Promise.withResolvers<never>();
    const begun = Promise.withResolvers<void>();
    const failing = first.once(at, options, () => (begun.resolve(), fails.promise));
    await begun.promise;
    const waiting = second.once(at, options, async () => "second");

    fails.reject(new Error("no luck"));

    await expect(failing).rejects.toThrow("no luck");
    expect(await waiting).toBe("second");
  });

  it("frees a lock whose holder says nothing more, and refuses what that one brings later", async () => {
    const store = openStore();
    const at = key();
    const dead = { token: newId(), lockMs: 50, tags: [] };
    expect(await store.begin(at, dead)).toEqual({ kind: "begun" });

    const value = await openCache().once(at, { ttlMs: hour, schema: z.string() }, async () => "alive");
    await store.finish(at, dead.token, { text: '"dead"', ttlMs: hour, tags: [] });

    expect(value).toBe("alive");
    expect(await openCache().get(at, z.string())).toBe("alive");
  });

  it("holds the lock for as long as the computing takes", async () => {
    const at = key();
    const options = { ttlMs: hour, schema: z.string(), lockMs: 2_000 };
    const release = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const first = openCache().once(at, options, () => (begun.resolve(), release.promise));
    await begun.promise;
    let computedElsewhere = 0;
    const second = openCache().once(at, options, async () => `elsewhere ${++computedElsewhere}`);

    const looks: string[] = [];
    const deadline = performance.now() + 3_000;
    await waitFor(
      async () => {
        const { kind } = await openStore().begin(at, { token: newId(), lockMs: 2_000, tags: [] });
        looks.push(kind);
        return performance.now() > deadline;
      },
      { describe: "longer than the lock's time" },
    );
    release.resolve("first");

    expect(new Set(looks)).toEqual(new Set(["busy"]));
    expect(await Promise.all([first, second])).toEqual(["first", "first"]);
  });

  it.each(["delete", "deleteByTag"] as const)("does not keep what was computed before a %s", async (how) => {
    const cache = openCache();
    const at = key();
    const tag = key();
    const options = { ttlMs: hour, schema: z.string(), tags: [tag] };
    const release = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const old = cache.once(at, options, () => (begun.resolve(), release.promise));
    await begun.promise;

    await (how === "delete" ? openCache().delete(at) : openCache().deleteByTag(tag));
    release.resolve("of before");

    expect(await old).toBe("of before");
    expect(await cache.once(at, options, async () => "of after")).toBe("of after");
  });

  it("does not put what was computed over what was set meanwhile", async () => {
    const at = key();
    const release = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const options = { ttlMs: hour, schema: z.string() };
    const computing = openCache().once(at, options, () => (begun.resolve(), release.promise));
    await begun.promise;

    await openCache().set(at, "set", { ttlMs: hour });
    release.resolve("computed");
    await computing;

    expect(await openCache().get(at, z.string())).toBe("set");
  });

  it("computes again over a value of another shape, once", async () => {
    const caches = [openCache(), openCache()];
    const at = key();
    await openCache().set(at, { old: true }, { ttlMs: hour });
    let computed = 0;
    const compute = async () => ({ fresh: ++computed });
    const options = { ttlMs: hour, schema: z.strictObject({ fresh: z.number() }) };

    const found = await Promise.all(caches.map((cache) => cache.once(at, options, compute)));

    expect(found).toEqual([{ fresh: 1 }, { fresh: 1 }]);
  });

  it("keeps no value above a MiB, and none that was there before it", async () => {
    const cache = openCache();
    const at = key();
    await cache.set(at, "small", { ttlMs: hour });

    await cache.set(at, "x".repeat(1_048_576), { ttlMs: hour });

    expect(await cache.get(at, z.string())).toBeUndefined();
    const large = "y".repeat(1_048_576);
    expect(await cache.once(at, { ttlMs: hour, schema: z.string() }, async () => large)).toBe(large);
    expect(await cache.get(at, z.string())).toBeUndefined();
  });
}
