import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** Runs `work` with an empty folder that is removed afterwards, also when this process is interrupted. */
export async function withTemporaryFolder<Result>(
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), "millrace-bench-"));
  const removeNow = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.once("exit", removeNow);
  try {
    return await work(folder);
  } finally {
    process.removeListener("exit", removeNow);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
