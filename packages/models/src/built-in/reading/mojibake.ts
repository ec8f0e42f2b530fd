// What the bytes 0x80 to 0x9f mean in Windows-1252; the five undefined ones stay control characters.
const windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

const byteOf = new Map<string, number>([
  ...Array.from(windows1252, (character, index): [string, number] => [character, 0x80 + index]),
  ...Array.from({ length: 0x60 }, (_unused, index): [string, number] => [
    String.fromCharCode(0xa0 + index),
    0xa0 + index,
  ]),
]);

// A UTF-8 lead byte read as a letter, and what followed it. Longer runs are cut: bounded work per match.
const suspects = /[Â-ô][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]{1,3}/g;

/**
 * Repairs UTF-8 that was read as Windows-1252 (`â€™` becomes `’`). Only runs that are valid UTF-8
 * when read back change, so correctly read text stays as it is.
 */
export function repairMojibake(text: string): string {
  return text.replace(suspects, (run) => decode(run) ?? run);
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function decode(run: string): string | undefined {
  const bytes = Array.from(run, (character) => byteOf.get(character) ?? 0);
  const expected = (bytes[0] ?? 0) >= 0xf0 ? 4 : (bytes[0] ?? 0) >= 0xe0 ? 3 : 2;
  if (bytes.length < expected) return undefined;
  try {
    const decoded = decoder.decode(Uint8Array.from(bytes.slice(0, expected)));
    return decoded + run.slice(expected);
  } catch {
    // Not UTF-8: the letters were meant as they stand.
    return undefined;
  }
}
