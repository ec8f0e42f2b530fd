/** Long enough to know a document by; many file systems take 255 bytes, and a letter may have four. */
const maxCharacters = 60;

/** What Windows keeps for devices, with any ending. */
const deviceNames = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/iu;

/**
 * A file name, without ending, that every system takes and that shows what it is: no folder, no drive, no control
 * or direction-changing characters, no device. `document` when nothing is left.
 */
export function safeFileName(title: string): string {
  const visible = title
    .normalize("NFC")
    .toWellFormed()
    .replaceAll(/[\p{C}\u2028\u2029\ufffd]+/gu, " ")
    .replaceAll(/[/\\:*?"<>|]+/gu, "-");
  const short = [...visible.replaceAll(/\s+/gu, " ")].slice(0, maxCharacters).join("");
  const name = short.replaceAll(/^[\s.~-]+|[\s.]+$/gu, "");
  if (name === "" || /^[-_]+$/u.test(name)) return "document";
  return deviceNames.test(name) ? `_${name}` : name;
}

/** The ending of an uploaded file with its dot, or nothing when it is no plain one. */
export function safeEnding(fileName: string | null): string {
  return /\.[a-z0-9]{1,10}$/iu.exec(fileName ?? "")?.[0].toLowerCase() ?? "";
}

/**
 * Gives each title a name of its own, the second of two `NAME (2)`. Names that differ in case only are the same
 * where an archive may be unpacked.
 */
export function createEntryNames(): (title: string) => string {
  const taken = new Set<string>();
  const lastNumbers = new Map<string, number>();
  return (title) => {
    const base = safeFileName(title);
    const key = base.toLowerCase();
    let name = base;
    let number = lastNumbers.get(key) ?? 1;
    while (taken.has(name.toLowerCase())) name = `${base} (${++number})`;
    // Kept only for names that came twice, so that a thousand of a kind are not tried one by one.
    if (number > 1) lastNumbers.set(key, number);
    taken.add(name.toLowerCase());
    return name;
  };
}
