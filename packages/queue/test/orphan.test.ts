import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

describe("when a worker is killed", () => {
  it.each([
    ["the process of a job that never lets go of the processor", "spin"],
    ["what such a job has started", "spin_with_helper"],
    ["what a job has started that waits", "wait_with_helper"],
  ])("%s ends too", async (_what, script) => {
    const program = fileURLToPath(new URL("./orphan-parent.ts", import.meta.url));
    const parent = spawn(process.execPath, [program, script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
    const child = Number(line);
    expect(isAlive(child)).toBe(true);

    parent.kill("SIGKILL");

    try {
      await expect.poll(() => isAlive(child)).toBe(false);
    } finally {
      if (isAlive(child)) process.kill(child, "SIGKILL");
    }
  });
});
