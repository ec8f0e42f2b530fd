import { silentLogger } from "@millrace/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BuiltInThread } from "../src/built-in/thread/thread.ts";

let thread: BuiltInThread;

beforeEach(() => {
  thread = new BuiltInThread(silentLogger, new URL("misbehaving-thread.ts", import.meta.url));
});

afterEach(() => thread.stop());

function ask(text: string, timeoutMs = 20_000, signal?: AbortSignal) {
  return thread.ask("detect_language", { text }, { timeoutMs, signal });
}

describe("the thread beside the main one", () => {
  it("answers in the order of asking", async () => {
    const answers = await Promise.all(["a", "b", "c"].map((text) => ask(text)));

    expect(answers.map(({ code }) => code)).toEqual(["a", "b", "c"]);
  });

  it.each(["exit", "throw"])(
    "fails only the request during which it died of %j, and starts anew",
    async (order) => {
      const dying = ask(order);
      const after = ask("after");

      await expect(dying).rejects.toMatchObject({ code: "built_in_model_crashed", retryable: true });
      expect(await after).toMatchObject({ code: "after" });
    },
  );

  it("is ended and replaced when a request takes too long", async () => {
    await ask("warm up");
    const spinning = ask("spin", 100);
    const after = ask("after");

    await expect(spinning).rejects.toMatchObject({ code: "model_timeout" });
    expect(await after).toMatchObject({ code: "after" });
  });

  it("drops a waiting request that is cancelled, without disturbing the running one", async () => {
    const running = ask("running");
    const cancelled = new AbortController();
    const waiting = ask("waiting", 20_000, cancelled.signal);
    cancelled.abort(new Error("left"));

    await expect(waiting).rejects.toThrow("left");
    expect(await running).toMatchObject({ code: "running" });
  });

  it("refuses more than it can hold", async () => {
    const asked = Array.from({ length: 260 }, (_unused, index) =>
      ask(`${index}`).catch((error: unknown) => error),
    );

    expect(await Promise.all(asked)).toContainEqual(
      expect.objectContaining({ code: "built_in_model_busy", retryable: true }),
    );
  });

  it("stops in the middle of work", async () => {
    const [outcome] = await Promise.all([ask("spin").catch((error: unknown) => error), thread.stop()]);

    expect(outcome).toMatchObject({ code: "built_in_model_stopped" });
  });
});
