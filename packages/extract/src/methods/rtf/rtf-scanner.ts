import { maxRtfBytes } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";
import { RtfText } from "./rtf-text.ts";

/** Reads RTF byte by byte, with a stack of groups that any nesting fits in, and keeps what comes before a damage. */
export async function extractWithRtfScanner(input: MethodInput): Promise<MethodOutput> {
  const bytes = Buffer.from((await readBytes(input.path, maxRtfBytes)).buffer);
  if (!bytes.subarray(0, 1024).includes("{\\rtf")) throw new MethodFailure("file_damaged", "not rich text");
  const text = new RtfText();
  scan(bytes, text);
  const result = text.result();
  return {
    parts: [result],
    hasPages: false,
    title: text.title(),
    encoding: null,
    warnings: [],
    isTruncated: text.isFull(),
    isWeak: !/[\p{L}\p{N}]/u.test(result),
  };
}

function scan(bytes: Buffer, text: RtfText): void {
  for (let at = 0; at < bytes.length && !text.isFull();) {
    const byte = bytes[at] ?? 0;
    if (byte === signs.backslash) at = readControl(bytes, at + 1, text);
    else {
      if (byte === signs.open) text.openGroup();
      else if (byte === signs.close) text.closeGroup();
      // Line ends between words are layout of the file.
      else if (byte !== signs.lineFeed && byte !== signs.carriageReturn && byte !== 0) text.addByte(byte);
      at += 1;
    }
  }
}

/** What follows a backslash; returns where the rest begins. */
function readControl(bytes: Buffer, from: number, text: RtfText): number {
  let at = from;
  while (isLetter(bytes[at])) at += 1;
  if (at === from) return readSymbol(bytes, from, text);
  const word = bytes.toString("latin1", from, Math.min(at, from + 32));
  const numberAt = at;
  if (bytes[at] === signs.minus) at += 1;
  while (isDigit(bytes[at]) && at < numberAt + 12) at += 1;
  const number = at === numberAt ? undefined : Number(bytes.toString("latin1", numberAt, at));
  if (bytes[at] === signs.space) at += 1;
  // Raw bytes of a picture, as many as it says; never more than there are.
  if (word === "bin") return Math.min(bytes.length, at + Math.max(0, number ?? 0));
  text.control(word, number);
  return at;
}

function readSymbol(bytes: Buffer, at: number, text: RtfText): number {
  const symbol = String.fromCharCode(bytes[at] ?? 0);
  if (symbol === "'") {
    const code = Number.parseInt(bytes.toString("latin1", at + 1, at + 3), 16);
    if (!Number.isNaN(code)) text.addByte(code);
    return at + 3;
  }
  text.symbol(symbol);
  return at + 1;
}

const signs = {
  backslash: 0x5c,
  open: 0x7b,
  close: 0x7d,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  minus: 0x2d,
  space: 0x20,
} as const;

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a));
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
