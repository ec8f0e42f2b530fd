/** Far more pages than any scanner writes; a chain of pages may also lead in a circle. */
const maxPages = 2_000;

/** Where the pages of a TIFF begin, or undefined for other formats. A chain that breaks off ends there. */
export function findTiffPages(bytes: Uint8Array): readonly number[] | undefined {
  const isLittle = bytes[0] === 0x49 && bytes[1] === 0x49 && bytes[2] === 42 && bytes[3] === 0;
  const isBig = bytes[0] === 0x4d && bytes[1] === 0x4d && bytes[2] === 0 && bytes[3] === 42;
  if (!isLittle && !isBig) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pages: number[] = [];
  const seen = new Set<number>();
  let at = view.getUint32(4, isLittle);
  while (at > 0 && at + 2 <= bytes.length && !seen.has(at) && pages.length < maxPages) {
    seen.add(at);
    pages.push(at);
    const next = at + 2 + view.getUint16(at, isLittle) * 12;
    if (next + 4 > bytes.length) break;
    at = view.getUint32(next, isLittle);
  }
  return pages;
}

/** The same file with another page as its first, which is the one that engines read. */
export function selectTiffPage(bytes: Uint8Array, offset: number | undefined): Uint8Array {
  const copy = new Uint8Array(bytes);
  const isLittle = bytes[0] === 0x49;
  if (offset !== undefined) new DataView(copy.buffer).setUint32(4, offset, isLittle);
  return copy;
}
