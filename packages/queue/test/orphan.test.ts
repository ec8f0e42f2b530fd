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

describe("a job's own process", () => {
  it("ends when its worker is killed, also when the job never lets go of the processor", async () => {
    const parent = spawn(process.execPath, [fileURLToPath(new URL("./orphan-parent.ts", import.meta.url))], {
      stdio: ["ignore", "pipe", "inherit"],
    });
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
