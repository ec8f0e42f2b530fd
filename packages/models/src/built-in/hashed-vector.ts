/** Numbers in a vector of the built-in embedding model. A change makes a new model version. */
export const hashedDimensions = 412;

const wordShare = 156;
const gramLength = 4;

/**
 * The built-in embedding: words and groups of four characters hashed into a vector of length 1. Near
 * duplicates come out close, in any script; it knows nothing of meaning. Deterministic.
 */
export function hashedVector(text: string): number[] {
  const vector = new Float64Array(hashedDimensions);
  const normal = text.normalize("NFKC").toLowerCase();
  const words = normal.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [normal.trim()];
  for (const [word, count] of countOf(words)) {
    add(vector.subarray(0, wordShare), hash(word, 0x811c9dc5), weightOf(count) * 1.5);
  }
  for (const [gram, count] of countOf(grams(words))) {
    add(vector.subarray(wordShare), hash(gram, 0x01234567), weightOf(count));
  }
  return normalise(vector);
}

function countOf(items: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

/** A word said ten times says little more than one said twice. */
function weightOf(count: number): number {
  return 1 + Math.log(count);
}

function* grams(words: readonly string[]): Generator<string> {
  for (const word of words) {
    const framed = `_${word}_`;
    if (framed.length <= gramLength) yield framed;
    for (let start = 0; start + gramLength <= framed.length; start += 1) {
      yield framed.slice(start, start + gramLength);
    }
  }
}

/** FNV-1a over UTF-16 code units, with a final mix so that the low bits spread. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}

/** Signed hashing: collisions cancel out on average instead of adding up. */
function add(vector: Float64Array, hashed: number, weight: number): void {
  const slot = (hashed >>> 1) % vector.length;
  vector[slot] = (vector[slot] ?? 0) + (hashed & 1 ? weight : -weight);
}

function normalise(vector: Float64Array): number[] {
  const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  if (norm === 0) {
    // Everything cancelled out: any unit vector will do, but not zero, which has no direction.
    return Array.from(vector, (_value, index) => (index === 0 ? 1 : 0));
  }
  return Array.from(vector, (value) => value / norm);
}
