import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { folderPrefix } from "./extraction-child.ts";

/**
 * No child lives this long: it is replaced after a few files of two minutes each. So an older folder
 * is the rest of a power cut, whichever process made it.
 */
const leftoverAgeMs = 24 * 60 * 60 * 1000;

/** Removes folders of children that ended together with the machine. */
export async function removeLeftovers(tempDirectory: string): Promise<void> {
  const names = await readdir(tempDirectory);
  for (const name of names.filter((candidate) => candidate.startsWith(folderPrefix))) {
    const path = join(tempDirectory, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined || Date.now() - facts.mtimeMs < leftoverAgeMs) continue;
    await rm(path, { recursive: true, force: true });
  }
}
