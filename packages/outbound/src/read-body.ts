import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream";
import type { Readable, Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { fetchFailed, responseTooLarge } from "./outbound-errors.ts";

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** For `Accept-Encoding`. */
export const acceptedEncodings = "gzip, br";

/**
 * Reads an answer to its end, unpacked. Throws `response_too_large` as soon as there is more: of a packed
 * one no more is unpacked than that. More than one encoding, one inside the other, is not read.
 */
export async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const announced = Number(response.headers["content-length"] ?? 0);
  if (announced > maxBytes) throw responseTooLarge(maxBytes);
  const body = unpacked(response, encoding);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop destroys the stream, and the connection with it.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw responseTooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function unpacked(response: IncomingMessage, encoding: string): Readable {
  if (encoding === "identity" || encoding === "") return response;
  const create = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (create === undefined) throw fetchFailed(new Error(`content-encoding ${encoding.slice(0, 100)}`));
  // Its errors come out of the loop that reads it.
  return pipeline(response, create(), () => undefined);
}
