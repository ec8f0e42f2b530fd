import { createInterface } from "node:readline/promises";
import { interrupted, invalidArguments } from "./errors.ts";

/**
 * Asks a person at the terminal; only a clear yes is one. Throws `invalid_arguments` where nobody can be asked, and
 * `interrupted` for Ctrl-C and Ctrl-D.
 */
export async function isConfirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw invalidArguments(`Nobody can be asked here; say --yes. ${question}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } catch (error) {
    throw error instanceof Error && error.name === "AbortError" ? interrupted() : error;
  } finally {
    terminal.close();
  }
}
