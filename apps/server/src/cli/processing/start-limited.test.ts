import { describe, expect, it } from "vitest";
import { startLimited } from "./start-limited.ts";

describe("startLimited", () => {
  it("gives every result in its own place, whatever ends first", async () => {
    const gates = [0, 1, 2].map(() => Promise.withResolvers<string>());

    const results = startLimited(gates, 3, (gate) => gate.promise);
    gates[2]!.resolve("c");
    gates[1]!.resolve("b");
    gates[0]!.resolve("a");

    expect(await Promise.all(results)).toEqual(["a", "b", "c"]);
  });

  it("never runs more than the limit", async () => {
    let running = 0;
    let most = 0;

    await Promise.all(
      startLimited([...Array(20).keys()], 3, async () => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
      }),
    );

    expect(most).toBe(3);
  });

  it("goes on when one fails", async () => {
    const results = startLimited([1, 2], 1, async (item) => {
      if (item === 1) throw new Error("refused");
      return item;
    });

    expect(await Promise.allSettled(results)).toMatchObject([{ status: "rejected" }, { value: 2 }]);
  });
});
