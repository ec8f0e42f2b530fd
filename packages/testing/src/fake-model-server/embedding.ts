import { words } from "./structured-answer.ts";

/**
 * A deterministic unit vector: every word adds to one place chosen by its hash, so texts that share
 * words are near each other and equal texts are equal.
 */
export function embedding(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const word of words(text)) {
    const place = wordHash(word) % dimensions;
    vector[place] = (vector[place] ?? 0) + 1;
  }
  const length = Math.hypot(...vector);
  // A text without words still needs a direction, or cosine distance would divide by zero.
  if (length === 0) return vector.map((_value, index) => (index === 0 ? 1 : 0));
  return vector.map((value) => value / length);
}

/** Little-endian 32-bit floats in base64, as `encoding_format: "base64"` asks for. */
export function base64Floats(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString("base64");
}

// FNV-1a: short, and the same on every machine.
function wordHash(word: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(word)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
