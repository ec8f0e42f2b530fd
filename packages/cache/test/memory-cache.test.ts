import { beforeEach, describe, expect, it } from "vitest";
import { MemoryStore } from "../src/index.ts";
import { cacheSuite } from "./cache-suite.ts";

describe("in memory", () => {
  let store: MemoryStore;
  beforeEach(() => {
    store = new MemoryStore();
  });

  cacheSuite(() => store);

  it("lets the least recently used go when there are too many", async () => {
    const small = new MemoryStore({ maxEntries: 2 });
    const entry = { text: "1", ttlMs: 3_600_000, tags: ["t"] };
    await small.write("a", entry);
    await small.write("b", entry);
    await small.read("a");
    await small.write("c", entry);

    expect([await small.read("a"), await small.read("b"), await small.read("c")]).toEqual([
      "1",
      undefined,
      "1",
    ]);
  });

  it("holds no more bytes than it may", async () => {
    const small = new MemoryStore({ maxBytes: 10_000 });
    const entry = { text: "x".repeat(2_000), ttlMs: 3_600_000, tags: [] };
    for (const key of ["a", "b", "c"]) await small.write(key, entry);

    const found = await Promise.all(["a", "b", "c"].map((key) => small.read(key)));
    expect(found.map((text) => text?.length)).toEqual([undefined, 2_000, 2_000]);
  });
});
