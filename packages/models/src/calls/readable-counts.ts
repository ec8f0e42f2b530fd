/** A count that is given as text. Where a quote is no sign of JSON but a letter of a text, it has a backslash before it. */
const textCount = /(?<!\\)("(?:prompt|completion|total|cached)_tokens"\s*:\s*)"([^"\\]*)"/g;
const mark = '_tokens"';

/**
 * A piece of an answer whose counts of tokens are numbers: readers refuse an answer, however good, for the form of
 * its counts. What says no number is below nothing, which nobody takes for a count; null they would take for none.
 * A count that two pieces share is left as it is.
 */
export function withReadableCounts<Bytes extends Uint8Array>(piece: Bytes): Bytes | Buffer<ArrayBuffer> {
  const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  if (!bytes.includes(mark)) return piece;
  // Each byte as one character: pieces may begin and end in the middle of one.
  const text = bytes.toString("latin1");
  const readable = text.replaceAll(textCount, (_all, name: string, count: string) =>
    /^\d{1,15}$/.test(count) ? `${name}${Number(count)}` : `${name}-1`,
  );
  return readable === text ? piece : Buffer.from(readable, "latin1");
}
