import { detectUtf16 } from "../text/utf16.ts";

/**
 * Whether the head of a file reads as text in some encoding. A few stray NUL bytes are tolerated
 * (extraction removes them, with a warning); random bytes hold about 10 % control characters.
 */
export function looksLikeText(head: Uint8Array): boolean {
  if (hasByteOrderMark(head)) return true;
  let nuls = 0;
  let controls = 0;
  for (const byte of head) {
    if (byte === 0) nuls += 1;
    else if (isControl(byte)) controls += 1;
  }
  if (nuls <= head.length * 0.2 && controls <= Math.max(1, head.length * 0.03)) return true;
  return detectUtf16(head) !== undefined;
}

/** As `looksLikeText`, but without any tolerance: for when something says that this is no text. */
export function isCleanText(head: Uint8Array): boolean {
  if (hasByteOrderMark(head) || detectUtf16(head) !== undefined) return true;
  return !head.some((byte) => byte === 0 || isControl(byte));
}

function hasByteOrderMark(head: Uint8Array): boolean {
  const [first, second, third] = head;
  if (first === 0xef && second === 0xbb && third === 0xbf) return true;
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** Tab, line feed, form feed, carriage return occur in text; escape switches sets in ISO-2022. */
function isControl(byte: number): boolean {
  if (byte === 0x7f) return true;
  return byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d && byte !== 0x1b;
}

/** The beginning of the text with encoding differences removed, enough to look for ASCII markers. */
export function asciiBeginning(head: Uint8Array): string {
  const beginning = head.subarray(0, 4096);
  return Buffer.from(beginning.filter((byte) => byte !== 0))
    .toString("latin1")
    .replace(/^(?:\u00EF\u00BB\u00BF|\u00FF\u00FE|\u00FE\u00FF)/, "")
    .trimStart();
}

/** Whether a text begins the way only HTML begins, whatever its file is called. */
export function beginsLikeHtml(beginning: string): boolean {
  const start = skipPrologue(beginning);
  return /^<(?:!doctype\s+html|html|head|body)[\s>]/i.test(start);
}

/** Whether a text begins as XML or SVG, after optional comments and declarations. */
export function beginsLikeXml(beginning: string): "xml" | "svg" | undefined {
  const start = skipPrologue(beginning);
  if (/^(?:<!doctype\s+svg|<svg)[\s>]/i.test(start)) return "svg";
  return /^<\?xml\s/i.test(beginning) ? "xml" : undefined;
}

/**
 * Whether a text begins with the header of a message: nothing but fields, and among them two that every
 * mail program writes.
 */
export function beginsLikeMail(beginning: string): boolean {
  const [header = ""] = beginning.split(/\r?\n\r?\n/, 1);
  const lines = header.split(/\r?\n/).filter((line) => !/^[ \t]/.test(line));
  // The last line may have been cut off.
  const names = lines.slice(0, lines.length > 1 && beginning === header ? -1 : undefined);
  if (
    !names.every((line, index) => /^[!-9;-~]{1,100}:/.test(line) || (index === 0 && line.startsWith("From ")))
  )
    return false;
  const known = names.filter((line) =>
    /^(?:from|date|message-id|mime-version|received|return-path):/i.test(line),
  );
  return known.length >= 2;
}

/** Leaves out what may precede the first element: an XML declaration and comments. */
function skipPrologue(text: string): string {
  let rest = text;
  for (let step = 0; step < 20; step += 1) {
    const match = /^(?:<\?[^>]{0,2000}>|<!--[\s\S]{0,3500}?-->)\s*/.exec(rest);
    if (match === null) return rest;
    rest = rest.slice(match[0].length);
  }
  return rest;
}
