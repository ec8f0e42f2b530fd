import { readFileSync } from "node:fs";

/** Bytes of memory a process occupies, or undefined where the system does not tell (no /proc). */
export function readResidentBytes(processId: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${processId}/status`, "latin1");
    const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    // The process has just ended, or this is no Linux: nothing to watch.
    return undefined;
  }
}
