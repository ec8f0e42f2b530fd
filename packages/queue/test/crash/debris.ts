/** What a process leaves outside of the database: processes that come of it, and files. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** All processes with this in their environment, as far as the system shows them; undefined where it does not. */
export function findMarked(entry: string): number[] | undefined {
  if (!existsSync("/proc/self/environ")) return undefined;
  return readdirSync("/proc").flatMap((name) => {
    const isOurs = /^\d+$/.test(name) && environmentOf(name).includes(entry);
    return isOurs ? [Number(name)] : [];
  });
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    // It has ended, or is another user's.
    return "";
  }
}

/** I7, outside of the database, in words. */
export function findDebris(left: {
  readonly processes: readonly number[];
  /** Their folder for temporary files. */
  readonly temporary: string;
  /** Of an embedded database. */
  readonly folder: string | undefined;
}): string[] {
  const processes = left.processes.map((pid) => `process ${pid} is still there`);
  const files = readdirSync(left.temporary).map((file) => `the temporary file ${file} is still there`);
  const expected = new Set(["database", "lock.sqlite"]);
  const inFolder =
    left.folder === undefined ? [] : readdirSync(left.folder).filter((file) => !expected.has(file));
  return [...processes, ...files, ...inFolder.map((file) => `${file} is still in the data folder`)];
}
