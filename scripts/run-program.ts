import { spawn } from "node:child_process";

export type ProgramResult = {
  readonly exitCode: number;
  /** Standard output and standard error, in the order they arrived, at most the last 2 MB. */
  readonly output: string;
  readonly durationMs: number;
};

const maxOutputCharacters = 2_000_000;

/**
 * Runs a program to its end and captures what it prints. A program that passes `timeoutMs`
 * (default ten minutes) is killed with its children and counts as failed.
 */
export async function runProgram(
  command: string,
  commandArguments: readonly string[],
  options: {
    readonly workingDirectory?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly timeoutMs?: number;
    /** Pass output through as it comes, as well as capturing it. */
    readonly echo?: boolean;
    /** Text for standard input; without it the program reads an empty input. */
    readonly input?: string;
  } = {},
): Promise<ProgramResult> {
  const startedAt = performance.now();
  const child = spawn(command, commandArguments, {
    cwd: options.workingDirectory,
    env: { ...process.env, ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
    // Its own process group, so that the time limit reaches grandchildren too.
    detached: true,
  });
  let output = "";
  const collect = (stream: NodeJS.WriteStream) => (chunk: string) => {
    output = (output + chunk).slice(-maxOutputCharacters);
    if (options.echo === true) stream.write(chunk);
  };
  child.stdout.setEncoding("utf8").on("data", collect(process.stdout));
  child.stderr.setEncoding("utf8").on("data", collect(process.stderr));
  child.stdin.on("error", () => undefined); // The program may end without reading its input.
  child.stdin.end(options.input ?? "");

  const timeoutMs = options.timeoutMs ?? 600_000;
  const killGroup = () => {
    if (child.pid !== undefined) signalGroup(child.pid);
  };
  const timer = setTimeout(() => {
    output += `\n${command} was still running after ${Math.round(timeoutMs / 1000)} s and was stopped.\n`;
    killGroup();
  }, timeoutMs);
  process.once("exit", killGroup);
  // A group of its own does not hear Ctrl-C or a time limit of the caller, so both are passed on.
  const endEarly = () => process.exit(130);
  process.once("SIGINT", endEarly).once("SIGTERM", endEarly);
  try {
    const exitCode = await new Promise<number>((resolve) => {
      child.once("error", (error) => {
        output += `\n${command} could not be started: ${error.message}\n`;
        resolve(127);
      });
      child.once("close", (code) => resolve(code ?? 1));
    });
    return { exitCode, output, durationMs: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
    process.off("exit", killGroup).off("SIGINT", endEarly).off("SIGTERM", endEarly);
  }
}

function signalGroup(processId: number): void {
  try {
    process.kill(-processId, "SIGKILL");
  } catch {
    // The group has ended by itself; there is nothing left to stop.
  }
}
