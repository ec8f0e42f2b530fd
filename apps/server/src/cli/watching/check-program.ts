import { fork } from "node:child_process";
import { once } from "node:events";
import type { ProgramCheck } from "../../config/check-program-child.ts";

const entry = new URL("../../config/check-program-child.ts", import.meta.url);

/** Longer than any import takes; a file that waits for ever must not end the watching. */
const timeoutMs = 60_000;

/**
 * Reads the program of the working folder in a process of its own: modules can be imported only once in
 * each. Never throws; a process that can't say anything is a problem like any other.
 */
export async function checkProgram(signal: AbortSignal): Promise<ProgramCheck> {
  const nothing = { files: [], folders: [] };
  const child = fork(entry, { stdio: ["ignore", "ignore", "inherit", "ipc"], signal, timeout: timeoutMs });
  let answer: ProgramCheck | undefined;
  // Only our own module speaks on this channel.
  child.once("message", (message) => (answer = message as ProgramCheck));
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return (
      answer ?? { ...nothing, problem: `Your program ended the process that read it (exit code ${code}).` }
    );
  } catch (error) {
    return { ...nothing, problem: `Your program could not be read: ${String(error)}` };
  }
}
