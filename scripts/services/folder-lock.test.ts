import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withFolderLock } from "./folder-lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

it.runIf(process.platform === "linux")(
  "lets one after the other work, also after one that failed",
  async () => {
    const seen: string[] = [];
    const release = Promise.withResolvers<void>();
    const first = withFolderLock(folder, async () => {
      seen.push("first begins");
      await release.promise;
      seen.push("first ends");
      throw new Error("failed");
    });
    await expect.poll(() => seen).toEqual(["first begins"]);
    const second = withFolderLock(folder, async () => seen.push("second"));

    release.resolve();

    await expect(first).rejects.toThrow("failed");
    await second;
    expect(seen).toEqual(["first begins", "first ends", "second"]);
  },
);
