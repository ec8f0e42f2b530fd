import { MemoryStore, StoredCache } from "@millrace/cache";
import { newId, silentLogger } from "@millrace/kernel";
import type { StoredAnswer } from "@millrace/models";
import { waitFor } from "@millrace/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { createAnswerStore } from "../src/answers/cached-answers.ts";

const answerOf = (text: string): StoredAnswer => ({
  text,
  model: "openai:x",
  tokens: { input: 3, output: null, cachedInput: null },
  answeredAt: "2026-11-21T10:00:00.000Z",
});

/** The stores of two processes. */
function open(options: { readonly isShared?: boolean; readonly ttlSeconds?: number } = {}) {
  const store = new MemoryStore();
  const caches = [1, 2].map(() => new StoredCache({ store, logger: silentLogger }));
  onTestFinished(async () => void (await Promise.all(caches.map((cache) => cache.stop()))));
  const { isShared = false, ttlSeconds = 60 } = options;
  const [here, there] = caches.map((cache) => createAnswerStore({ cache, ttlSeconds, isShared }));
  return { here: here!, there: there! };
}

const asked = (key: string, owner: string | null = "o", signal?: AbortSignal) => ({ key, owner, signal });

describe("stored answers", () => {
  it("are made once, shared with all who ask meanwhile, and given out later", async () => {
    const { here, there } = open();
    const key = newId();
    const release = Promise.withResolvers<StoredAnswer>();
    let made = 0;
    const make = () => ((made += 1), release.promise);
    const asking = [here, here, there, there].map((answers) => answers.once(asked(key), make));
    await waitFor(() => made > 0, { describe: "the answer to be asked for" });
    release.resolve(answerOf("42"));

    const given = await Promise.all(asking);

    expect(made).toBe(1);
    expect(given.map(({ answer }) => answer)).toEqual(Array.from({ length: 4 }, () => answerOf("42")));
    expect(given.map(({ from }) => from).toSorted()).toEqual(["made", "shared", "shared", "shared"]);
    expect((await there.once(asked(key), make)).from).toBe("cached");
  });

  it("are replaced, each owner's own", async () => {
    const { here, there } = open();
    const key = newId();
    for (const owner of ["one", "two"]) await here.once(asked(key, owner), async () => answerOf("old"));

    await there.replace({ key, owner: "one" }, answerOf("new"));

    const never = async () => answerOf("never");
    expect((await here.once(asked(key, "one"), never)).answer.text).toBe("new");
    expect((await here.once(asked(key, "two"), never)).answer.text).toBe("old");
  });

  it("are each owner's own unless they are shared", async () => {
    const key = newId();
    const { here } = open();
    await here.once(asked(key, "one"), async () => answerOf("1"));

    expect((await here.once(asked(key, "two"), async () => answerOf("2"))).answer.text).toBe("2");
    expect((await here.once(asked(key, null), async () => answerOf("3"))).answer.text).toBe("3");

    const shared = open({ isShared: true }).here;
    await shared.once(asked(key, "one"), async () => answerOf("1"));
    expect(await shared.once(asked(key, null), async () => answerOf("2"))).toMatchObject({
      from: "cached",
      answer: { text: "1" },
    });
  });

  it("are kept for owners with names of any length", async () => {
    const { here } = open();
    const question = asked(newId(), "https://idp.example/".repeat(50));
    await here.once(question, async () => answerOf("1"));

    expect((await here.once(question, async () => answerOf("2"))).from).toBe("cached");
  });

  it("are not kept when making them fails, which all hear who waited here", async () => {
    const { here } = open();
    const key = newId();
    const fails = Promise.withResolvers<StoredAnswer>();
    let made = 0;
    const make = () => ((made += 1), fails.promise);
    const asking = [here.once(asked(key), make), here.once(asked(key), make)];
    await waitFor(() => made > 0, { describe: "the answer to be asked for" });
    fails.reject(new Error("no luck"));

    const ends = await Promise.allSettled(asking);

    expect(ends.map((end) => end.status === "rejected" && String(end.reason))).toEqual([
      "Error: no luck",
      "Error: no luck",
    ]);
    expect(made).toBe(1);
    expect((await here.once(asked(key), async () => answerOf("luck"))).from).toBe("made");
  });

  it.each(["here", "there"] as const)(
    "are made by the next one %s when the first gives up",
    async (where) => {
      const stores = open();
      const key = newId();
      const first = new AbortController();
      const begun = Promise.withResolvers<void>();
      const leading = stores.here.once(asked(key, "o", first.signal), () => {
        begun.resolve();
        return new Promise((_resolve, reject) => {
          first.signal.addEventListener("abort", () => reject(first.signal.reason as Error));
        });
      });
      await begun.promise;
      const following = stores[where].once(asked(key), async () => answerOf("second"));

      first.abort(new Error("cancelled"));

      await expect(leading).rejects.toThrow("cancelled");
      expect(await following).toEqual({ answer: answerOf("second"), from: "made" });
    },
  );

  it("let one who waits go by its own signal", async () => {
    const { here, there } = open();
    const key = newId();
    const release = Promise.withResolvers<StoredAnswer>();
    const begun = Promise.withResolvers<void>();
    const leading = here.once(asked(key), () => (begun.resolve(), release.promise));
    await begun.promise;
    const impatient = new AbortController();
    const following = [here, there].map((answers) =>
      answers.once(asked(key, "o", impatient.signal), async () => answerOf("never")),
    );

    impatient.abort(new Error("enough"));

    for (const follower of following) await expect(follower).rejects.toThrow("enough");
    release.resolve(answerOf("first"));
    expect((await leading).answer.text).toBe("first");
  });

  it("are given but not kept when they are very large", async () => {
    const { here } = open();
    const key = newId();
    const large = answerOf("x".repeat(1_100_000));

    expect((await here.once(asked(key), async () => large)).answer).toEqual(large);
    expect((await here.once(asked(key), async () => answerOf("again"))).from).toBe("made");
  });
});
