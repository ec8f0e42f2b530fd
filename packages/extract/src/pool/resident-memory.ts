import { readFileSync } from "node:fs";

/** Linux counts memory in pages of 4 KiB on x86 and most ARM machines; larger pages only kill later. */
const memoryPageBytes = 4096;

/** Bytes of memory a process occupies, or undefined where the system does not tell (no /proc). */
export function readResidentBytes(processId: number): number | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${processId}/statm`, "latin1").split(" ")[1]);
    return Number.isFinite(pages) ? pages * memoryPageBytes : undefined;
  } catch {
    // The process has just ended, or this is no Linux: nothing to watch.
    return undefined;
  }
}
