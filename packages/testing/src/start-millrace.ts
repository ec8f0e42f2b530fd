import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { prepareDatabase } from "./prepared-database.ts";
import { waitFor } from "./wait-for.ts";

export type RunningMillrace = {
  /** Without a slash at the end. */
  readonly url: string;
  readonly process: ChildProcess;
  /** Everything printed so far, standard output and standard error, at most the last million characters. */
  readonly output: () => string;
  /** Kills it without warning and waits until it is gone. */
  readonly kill9: () => Promise<void>;
  /** Asks it to stop (SIGTERM) and resolves with its exit code. Fails, and kills, after 30 s. */
  readonly stop: () => Promise<number | null>;
};

type StartOptions = {
  readonly dataDirectory: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it runs: the folder of somebody's program. Default `dataDirectory`. */
  readonly workingDirectory?: string;
  /** Arguments after the program. Default `["start"]`. A worker tells of itself only with `--health-port`. */
  readonly commandArguments?: readonly string[];
  /**
   * Whether the server makes its embedded database itself, as it does for somebody who starts it for the
   * first time. Default false: a folder without a database gets one beforehand, in a tenth of the time.
   */
  readonly isFirstStart?: boolean;
  /** How long it may take until it is ready, in milliseconds. Default 90,000. */
  readonly readyTimeoutMs?: number;
};

const maxOutputCharacters = 1_000_000;
const defaultReadyTimeoutMs = 90_000; // The first start of an embedded database takes up to 8 s on two idle cores.
const stopTimeoutMs = 30_000;

// The program is started, not imported, so this path is no dependency of the package.
const repository = join(import.meta.dirname, "../../..");

/**
 * Starts the real server with plain node on a free port and waits until it is ready. It sees only
 * the environment given here, and no `.env` file, because it runs inside `dataDirectory`.
 */
export async function startMillrace(options: StartOptions): Promise<RunningMillrace> {
  const main = join(repository, "apps/server/src/main.ts");
  if (options.isFirstStart !== true && isEmbedded(options)) await prepareDatabase(options.dataDirectory);
  const child = spawn(process.execPath, [main, ...(options.commandArguments ?? ["start"])], {
    cwd: options.workingDirectory ?? options.dataDirectory,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_ENV: "production",
      HOST: "127.0.0.1",
      PORT: "0",
      LOG_LEVEL: "warn",
      DATA_DIR: options.dataDirectory,
      ...options.environment,
    },
  });
  const output = collectOutput(child);
  const kill9 = () => end(child, "SIGKILL");
  try {
    const url = await waitForReadyLine(child, output, options.readyTimeoutMs ?? defaultReadyTimeoutMs);
    return { url, process: child, output, kill9, stop: () => stop(child, output) };
  } catch (error) {
    await kill9();
    throw new Error(`Millrace did not start. It printed:\n${output().slice(-8000)}`, { cause: error });
  }
}

function isEmbedded(options: StartOptions): boolean {
  return (
    options.environment?.DATABASE_URL === undefined && !existsSync(join(options.dataDirectory, "database"))
  );
}

async function waitForReadyLine(
  child: ChildProcess,
  output: () => string,
  readyTimeoutMs: number,
): Promise<string> {
  const seen = await waitFor(
    () => {
      const url = / (?:is ready|its health) at (https?:\/\/[^\s/]+)/.exec(output())?.[1];
      return url !== undefined || hasEnded(child) ? { url } : undefined;
    },
    { describe: "the line that says Millrace is ready", timeoutMs: readyTimeoutMs },
  );
  if (seen.url !== undefined) return seen.url;
  throw new Error(`The process ended with exit code ${child.exitCode} before it was ready.`);
}

/** The lines a child prints on standard output, as they come. Ends when the stream ends. */
export function readLines(child: ChildProcess): AsyncIterable<string> {
  if (child.stdout === null) throw new Error("The child's standard output is not a pipe.");
  return createInterface({ input: child.stdout, crlfDelay: Infinity });
}

async function stop(child: ChildProcess, output: () => string): Promise<number | null> {
  const inTime = await Promise.race([end(child, "SIGTERM").then(() => true), timeLimit(stopTimeoutMs)]);
  if (inTime) return child.exitCode;
  await end(child, "SIGKILL");
  throw new Error(`Millrace did not stop within ${stopTimeoutMs} ms. It printed:\n${output().slice(-8000)}`);
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function timeLimit(durationMs: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), durationMs).unref();
  });
}

function collectOutput(child: ChildProcess): () => string {
  let text = "";
  const add = (chunk: string) => {
    text = (text + chunk).slice(-maxOutputCharacters);
  };
  child.stdout?.setEncoding("utf8").on("data", add);
  child.stderr?.setEncoding("utf8").on("data", add);
  return () => text;
}
