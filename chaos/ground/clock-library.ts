import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../../scripts/run-program.ts";

const insidePackage = "usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/** Inside the private root, for its servers. */
export const rootClockLibrary = `/${insidePackage}`;

/**
 * The library that, loaded into a process, gives it another time: for processes of this machine, whose libc is
 * not that of the private root. Taken from this machine's Debian and unpacked beside the services; nothing is
 * installed.
 */
export async function hostClockLibrary(servicesDirectory: string): Promise<string> {
  const folder = join(servicesDirectory, "clock");
  const library = join(folder, insidePackage);
  if (existsSync(library)) return library;
  await mkdir(folder, { recursive: true });
  await run("apt-get", ["download", "libfaketime"], folder);
  const packaged = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (packaged === undefined) throw new Error("apt-get has downloaded no package libfaketime.");
  await run("dpkg-deb", ["-x", packaged, "."], folder);
  if (!existsSync(library)) throw new Error(`${packaged} does not hold ${insidePackage}.`);
  return library;
}

async function run(command: string, words: readonly string[], workingDirectory: string): Promise<void> {
  const { exitCode, output } = await runProgram(command, words, { workingDirectory, timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`${command} ${words.join(" ")} failed:\n${output.slice(-2000)}`);
}
