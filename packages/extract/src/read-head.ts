import { open } from "node:fs/promises";
import { fileUnreadable } from "./errors.ts";
import { headBytes } from "./limits.ts";

/** The first bytes of a file, enough to tell what it is, and its size. Throws `file_unreadable`. */
export async function readHead(path: string): Promise<{ head: Uint8Array; size: number }> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const buffer = new Uint8Array(Math.min(size, headBytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { head: buffer.subarray(0, bytesRead), size };
  } catch (error) {
    throw fileUnreadable(error);
  }
}
