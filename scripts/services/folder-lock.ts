import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Does the work while no other process that shares this folder does: two that start services at once would each end
 * what the other has half started. The lock ends with this process, however that ends.
 */
export async function withFolderLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  await mkdir(directory, { recursive: true });
  // `cat` waits for the end of its input, which is also the end of whoever holds the other side.
  const words = [join(directory, "start.lock"), "sh", "-c", "echo locked && exec cat"];
  const holder = spawn("flock", words, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(holder, "exit");
  try {
    await Promise.race([
      once(holder.stdout, "data"),
      ended.then(() => Promise.reject(new Error(`flock could not lock ${directory}.`))),
    ]);
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
