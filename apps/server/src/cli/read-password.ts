import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { interrupted, invalidArguments } from "./errors.ts";

/**
 * A password out of a file, of standard input for `-`, or typed at the terminal without being shown. It is no
 * argument, because those are seen by everybody on the machine. Throws `invalid_arguments` where nobody can be asked.
 */
export async function readPassword(file: string | undefined): Promise<string> {
  const password = file === undefined ? await ask() : withoutLineEnd(await readGiven(file));
  if (password === "") throw invalidArguments("The password is empty.");
  return password;
}

async function readGiven(file: string): Promise<string> {
  if (file === "-") return await text(process.stdin);
  return await readFile(file, "utf8").catch((error: unknown) => {
    throw invalidArguments(`${file} can't be read: ${error instanceof Error ? error.message : "it failed"}`);
  });
}

/** Editors and `echo` end the last line; a password has no line end. */
function withoutLineEnd(given: string): string {
  return given.replace(/\r?\n$/, "");
}

async function ask(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw invalidArguments("Nobody can be asked here; say --password-file FILE, or - for standard input.");
  }
  process.stderr.write("Password: ");
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  const given = new AbortController();
  // Ctrl-C and Ctrl-D.
  terminal.once("close", () => given.abort());
  try {
    return await terminal.question("", { signal: given.signal });
  } catch (error) {
    throw given.signal.aborted ? interrupted() : error;
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}
