import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { analysisSchema, documentSchema } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import { prepareDatabase } from "@millrace/testing";
import { expect } from "vitest";
import { z } from "zod";

const main = join(import.meta.dirname, "../../src/main.ts");

export const processedSchema = z.object({ document: documentSchema, analysis: analysisSchema });

export type CommandEnd = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type CommandOptions = {
  /** Where it runs; its data folder is `data` in there. */
  readonly folder: string;
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
};

export type RunningCommand = {
  readonly process: ChildProcess;
  /** Standard error so far. */
  readonly said: () => string;
  readonly end: Promise<CommandEnd>;
};

/** Starts `millrace` with these words as a process of its own; it sees no other environment. */
export function startCommand(words: readonly string[], options: CommandOptions): RunningCommand {
  const child = spawn(process.execPath, [main, ...words], {
    cwd: options.folder,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: 110_000,
    env: {
      PATH: process.env.PATH,
      HOME: options.folder,
      DATA_DIR: join(options.folder, "data"),
      ...options.environment,
    },
  });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  child.stdin?.end(options.input);
  const end = async (): Promise<CommandEnd> => {
    const closed = once(child, "close");
    const stdout = child.stdout === null ? "" : await text(child.stdout);
    await closed;
    return { code: child.exitCode, stdout, stderr: said };
  };
  return { process: child, said: () => said, end: end() };
}

export function runCommand(words: readonly string[], options: CommandOptions): Promise<CommandEnd> {
  return startCommand(words, options).end;
}

/** What a command prints with `--json`; it must succeed. */
export async function runJson<Schema extends z.ZodType>(
  schema: Schema,
  words: readonly string[],
  options: CommandOptions,
): Promise<z.output<Schema>> {
  const { code, stdout, stderr } = await runCommand([...words, "--json"], options);
  expect(code, stderr).toBe(0);
  return schema.parse(parseJson(stdout));
}

/**
 * A new folder, removed with everything in it by `await using`. Empty, or with a data folder that has its database,
 * for commands that would have to make one first.
 */
export async function temporaryFolder({
  hasDatabase = false,
}: { readonly hasDatabase?: boolean } = {}): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "millrace-cli-"));
  if (hasDatabase) await prepareDatabase(join(path, "data"));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** The objects of JSON lines. */
export function readJsonLines(output: string): unknown[] {
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map(parseJson);
}
