import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export type RunningScript = {
  readonly child: ChildProcess;
  /** What it wrote so far, line by line. */
  readonly lines: readonly string[];
  /** Resolves when it has written this many lines. Rejects when it ends before. */
  readonly wrote: (count: number) => Promise<void>;
  /** Ends it at once, as `kill -9` does, and resolves when all it wrote was read. */
  readonly kill: () => Promise<void>;
};

/** Starts a script of this folder in a process of its own. */
export function spawnScript(script: URL, scriptArguments: readonly string[]): RunningScript {
  const child = spawn(
    process.execPath,
    ["--max-old-space-size=256", "--no-warnings", script.pathname, ...scriptArguments],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const closed = once(child, "close");
  reader.on("line", (line) => void lines.push(line));
  return {
    child,
    lines,
    wrote: async (count) => {
      const ended = closed.then(() =>
        Promise.reject(new Error(`The script ended after ${lines.length} lines`)),
      );
      ended.catch(() => undefined);
      while (lines.length < count) await Promise.race([once(reader, "line"), ended]);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}
