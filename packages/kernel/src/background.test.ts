import { describe, expect, it } from "vitest";
import { BackgroundWork } from "./background.ts";
import { createLogger } from "./log.ts";

function recording(): { work: BackgroundWork; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { work: new BackgroundWork(createLogger({ level: "error", name: "test", destination })), lines };
}

describe("BackgroundWork", () => {
  it("settles at once when nothing runs", async () => {
    await expect(recording().work.settle()).resolves.toBeUndefined();
  });

  it("settles after what runs, and what that starts, has ended", async () => {
    const { work } = recording();
    const ended: string[] = [];
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    work.run("first", async () => {
      await first.promise;
      ended.push("first");
      work.run("second", async () => {
        await second.promise;
        ended.push("second");
      });
    });

    const settled = work.settle().then(() => ended.push("settled"));
    first.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    second.resolve();
    await settled;

    expect(ended).toEqual(["first", "second", "settled"]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["rejects", () => Promise.reject(new Error("broken"))],
    [
      "throws before its first wait",
      () => {
        throw new Error("broken");
      },
    ],
  ])("logs work once that %s, under its name, and throws nothing", async (_how, failing) => {
    const { work, lines } = recording();

    work.run("send notices", failing);
    await work.settle();

    expect(lines.length).toBe(1);
    expect(lines[0]).toContain('"work":"send notices"');
    expect(lines[0]).toContain("broken");
  });
});
