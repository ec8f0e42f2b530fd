import iconv from "iconv-lite";

/** Windows code pages by the character set of a font. */
const byCharacterSet: ReadonlyMap<number, string> = new Map([
  [77, "macroman"],
  [128, "cp932"],
  [129, "cp949"],
  [134, "cp936"],
  [136, "cp950"],
  [161, "cp1253"],
  [162, "cp1254"],
  [163, "cp1258"],
  [177, "cp1255"],
  [178, "cp1256"],
  [186, "cp1257"],
  [204, "cp1251"],
  [222, "cp874"],
  [238, "cp1250"],
]);

/** Undefined for sets that say nothing of their own: then the document's code page holds. */
export function encodingOfCharacterSet(characterSet: number): string | undefined {
  return byCharacterSet.get(characterSet);
}

export function encodingOfCodePage(codePage: number): string | undefined {
  const name = codePage === 10_000 ? "macroman" : `cp${codePage}`;
  return iconv.encodingExists(name) ? name : undefined;
}

export function decodeBytes(bytes: readonly number[], encoding: string): string {
  return iconv.decode(Buffer.from(bytes), encoding);
}
