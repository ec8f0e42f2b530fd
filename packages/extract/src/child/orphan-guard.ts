/*
 * Runs beside the extraction in its own thread, so that it also sees the parent's death while the
 * main thread spins. An orphan removes its folder and ends itself at once.
 */
import { rmSync } from "node:fs";
import { workerData } from "node:worker_threads";

/** Half a second: an orphan that spins costs a core, and this costs next to nothing. */
const checkIntervalMs = 500;

const facts: unknown = workerData;
if (
  typeof facts === "object" &&
  facts !== null &&
  "parentId" in facts &&
  "folder" in facts &&
  typeof facts.folder === "string"
) {
  const { parentId, folder } = facts;
  setInterval(() => {
    if (process.ppid === parentId) return;
    try {
      rmSync(folder, { recursive: true, force: true });
    } finally {
      // The group: a program that it started ends with it.
      process.kill(-process.pid, "SIGKILL");
    }
  }, checkIntervalMs);
}
