import { createInterface } from "node:readline/promises";
import { invalidArguments } from "./errors.ts";

/** Asks a person at the terminal; only a clear yes is one. Throws `invalid_arguments` where nobody can be asked. */
export async function isConfirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw invalidArguments(`Nobody can be asked here; say --yes. ${question}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
