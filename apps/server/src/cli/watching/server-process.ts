import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** The server that is watched over, as a process of its own. */
export type ServerProcess = {
  /** Undefined while it runs. */
  readonly exitCode: () => number | null | undefined;
  /** Resolves when it has ended, with its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly signal: (signal: NodeJS.Signals) => void;
};

/**
 * Starts `millrace start`. It leads a process group of its own, so that a Ctrl-C in the terminal reaches it
 * only through us, once; and it stops by itself when the channel to us breaks.
 */
export function startServerProcess(): ServerProcess {
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, main, "start"], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: true,
  });
  let code: number | null | undefined;
  const wait = async (): Promise<number | null> => {
    // A process that can't be started tells of an error and of no exit.
    await once(child, "exit").catch(() => undefined);
    code = child.exitCode;
    return child.exitCode;
  };
  return { exitCode: () => code, ended: wait(), signal: (signal) => void child.kill(signal) };
}
