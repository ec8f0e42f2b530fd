import { readlinkSync } from "node:fs";
import { hostname } from "node:os";

const beginning = "millrace-extract-";

/** Two processes after each other may have the same number, in a container that is started again even for sure. */
const started = Math.round(performance.timeOrigin);

/** Where numbers of processes mean the same: containers may share a folder and the name of their host. */
export const place = `${hostname()}-${readNamespace()}`;

/** What the names of folders begin with that this process makes: in which place, by which process, since when. */
export const folderPrefix = `${beginning}${place}-${process.pid}-${started}-`;

/** Whether a folder has such a name, of any process. */
export function isFolderName(name: string): boolean {
  return name.startsWith(beginning);
}

/** Whether the process that made a folder of such a name has ended. Of those of other places nobody here can say. */
export function isOfEndedProcess(name: string): boolean {
  const match = /^(.+)-(\d+)-(\d+)-[^-]+$/.exec(name.slice(beginning.length));
  if (match?.[1] !== place) return false;
  const id = Number(match[2]);
  return id === process.pid ? Number(match[3]) !== started : !isRunning(id);
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    // Another user's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function readNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    // Not Linux: one for the whole machine.
    return "0";
  }
}
