import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isFolderName, isOfEndedProcess } from "./folder-name.ts";

/**
 * No child lives this long: it is replaced after a few files of two minutes each. So an older folder
 * is a rest, whichever process made it.
 */
const leftoverAgeMs = 24 * 60 * 60 * 1000;

/** Removes folders of processes of this place that have ended, and of others after a day. */
export async function removeLeftovers(tempDirectory: string): Promise<void> {
  for (const name of (await readdir(tempDirectory)).filter(isFolderName)) {
    const path = join(tempDirectory, name);
    if (!isOfEndedProcess(name) && !(await isOld(path))) continue;
    // A child that outlives its server by a moment may still write there; the next start tries again.
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}

async function isOld(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts !== undefined && Date.now() - facts.mtimeMs >= leftoverAgeMs;
}
