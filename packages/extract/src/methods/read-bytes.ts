import { readFile, stat } from "node:fs/promises";
import { MethodFailure } from "./method-failure.ts";

/** The whole file, refused before reading when it is larger than the method can hold. */
export async function readBytes(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const size = await fileSize(path);
  if (size > maxBytes) {
    throw new MethodFailure(
      "extraction_limit_size",
      `${size} bytes, at most ${maxBytes} can be read at once`,
    );
  }
  const buffer = await readFile(path);
  // A copy with its own memory: some libraries take the buffer over, and small ones share a pool.
  return buffer.byteOffset === 0 && buffer.byteLength === buffer.buffer.byteLength
    ? new Uint8Array(buffer.buffer)
    : new Uint8Array(buffer);
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw new MethodFailure("file_unreadable", "the file can't be opened", error);
  }
}
