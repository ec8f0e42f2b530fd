import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { repository } from "./repository.ts";

export type Child = {
  readonly process: ChildProcess;
  /** Milliseconds from spawning it to its ready line. */
  readonly readyAfterMs: number;
  /** What the ready line named. */
  readonly address: string;
  /** SIGTERM, then SIGKILL after 30 s. Resolves when it is gone, with the milliseconds that took. */
  readonly stop: () => Promise<number>;
};

export type ChildOptions = {
  /** Path in the repository. */
  readonly program: string;
  readonly programArguments?: readonly string[];
  readonly nodeArguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it runs. Default: the repository. */
  readonly folder?: string;
};

const readyTimeoutMs = 120_000;
const stopTimeoutMs = 30_000;
const maxOutputCharacters = 20_000;

/**
 * Starts a program of ours with plain node and waits for its line `… is ready at ADDRESS`, which is
 * noticed the moment it is printed. Has an IPC channel. Throws with what it printed if it ends first.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...(options.nodeArguments ?? []),
      `${repository}/${options.program}`,
      ...(options.programArguments ?? []),
    ],
    {
      cwd: options.folder ?? repository,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        NODE_ENV: "production",
        ...options.environment,
      },
    },
  );
  endWithUs(child);
  const stop = async (): Promise<number> => {
    const beganMs = performance.now();
    await end(child);
    return performance.now() - beganMs;
  };
  try {
    const address = await readyLine(child);
    return { process: child, readyAfterMs: performance.now() - startedMs, address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs a program of ours to its end and returns its standard output. Throws when it fails. */
export async function runChild(options: ChildOptions & { readonly timeoutMs: number }): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      ...(options.nodeArguments ?? []),
      `${repository}/${options.program}`,
      ...(options.programArguments ?? []),
    ],
    { cwd: options.folder ?? repository, stdio: ["ignore", "pipe", "inherit"], timeout: options.timeoutMs },
  );
  endWithUs(child);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  await once(child, "close");
  if (child.exitCode !== 0)
    throw new Error(`${options.program} failed (${child.exitCode ?? child.signalCode}).`);
  return output;
}

/** An interrupted benchmark must not leave servers behind. */
function endWithUs(child: ChildProcess): void {
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
}

async function readyLine(child: ChildProcess): Promise<string> {
  return await new Promise((resolve, reject) => {
    let output = "";
    const fail = (why: string) => reject(new Error(`${why}. It printed:\n${output}`));
    const timer = setTimeout(() => fail(`Not ready after ${readyTimeoutMs} ms`), readyTimeoutMs);
    const onText = (chunk: string): void => {
      output = (output + chunk).slice(-maxOutputCharacters);
      const address = /is ready (?:at|for) (\S+)/.exec(output)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    };
    child.stdout?.setEncoding("utf8").on("data", onText);
    child.stderr?.setEncoding("utf8").on("data", onText);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      fail(`The program ended (${code ?? signal}) before it was ready`);
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  child.kill("SIGTERM");
  await exited;
  clearTimeout(timer);
}
