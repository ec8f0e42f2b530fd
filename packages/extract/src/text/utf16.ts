/**
 * Recognises UTF-16 without a byte order mark. Decoding 8-bit text as UTF-16 gives plausible Chinese,
 * so plausibility alone proves nothing: there must also be units that 8-bit text can't produce,
 * namely ASCII with its zero byte, or CJK punctuation.
 */
export function detectUtf16(bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  const little = scoreUnits(bytes, 1);
  const big = scoreUnits(bytes, 0);
  const best = little.anchors >= big.anchors ? little : big;
  if (best.units < 2 || best.anchors === 0) return undefined;
  if (best.anchors < best.units * 0.002 || best.implausible > best.units * 0.01) return undefined;
  // 8-bit text with a stray zero byte has such a unit too, but is made of letters and blanks.
  if (best.anchors < best.units * 0.5 && printableShare(bytes) > 0.7) return undefined;
  return best === little ? "utf-16le" : "utf-16be";
}

function printableShare(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte >= 0x20 && byte < 0x7f) count += 1;
  return count / bytes.length;
}

type UnitScore = { units: number; anchors: number; implausible: number };

function scoreUnits(bytes: Uint8Array, highByteAt: 0 | 1): UnitScore {
  const score: UnitScore = { units: 0, anchors: 0, implausible: 0 };
  for (let index = 0; index + 1 < bytes.length; index += 2) {
    const high = bytes[index + highByteAt] ?? 0;
    const low = bytes[index + 1 - highByteAt] ?? 0;
    score.units += 1;
    if (isAnchor(high, low)) score.anchors += 1;
    else if (isImplausible(high, low)) score.implausible += 1;
  }
  return score;
}

function isAnchor(high: number, low: number): boolean {
  if (high === 0) return low === 0x09 || low === 0x0a || low === 0x0d || (low >= 0x20 && low < 0x7f);
  return high === 0x30 && low <= 0x02;
}

/** Control characters, surrogates (rare in text), private use, and blocks that hold no living script. */
function isImplausible(high: number, low: number): boolean {
  if (high === 0) return low < 0xa0;
  if (high >= 0xd8 && high <= 0xf8) return true;
  return high === 0xff && low >= 0xf0 && low !== 0xfd;
}
