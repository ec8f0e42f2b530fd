import { MethodFailure } from "../method-failure.ts";

/*
 * Office files from before 2007, and encrypted ones of today, are small file systems. What is in them is in entries
 * of 128 bytes each, at multiples of 128, so they are found without following the chains in between.
 */
const entryBytes = 128;
const nameBytes = 64;
const streamType = 2;
const signature = Buffer.from("d0cf11e0a1b11ae1", "hex");

/** The record of a workbook after which everything is encrypted. */
const filePassRecord = 0x2f;

type Stream = { readonly name: string; readonly sector: number };

/**
 * Throws `file_encrypted_or_legacy` when this is a document of another program, or one that asks for a password;
 * `file_damaged` when it is none at all.
 */
export function assertReadableXls(bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 512 || !buffer.subarray(0, 8).equals(signature)) {
    throw new MethodFailure("file_damaged", "not a workbook");
  }
  const workbook = findStreams(buffer).find(({ name }) => name === "Workbook" || name === "Book");
  if (workbook === undefined) {
    throw new MethodFailure("file_encrypted_or_legacy", "encrypted, or of another program");
  }
  const sectorBits = Math.min(buffer.readUInt16LE(30), 16);
  if (isEncrypted(buffer.subarray((workbook.sector + 1) * 2 ** sectorBits))) {
    throw new MethodFailure("file_encrypted_or_legacy", "it asks for a password");
  }
}

function findStreams(buffer: Buffer): readonly Stream[] {
  const streams: Stream[] = [];
  for (let at = 512; at + entryBytes <= buffer.length; at += entryBytes) {
    const length = buffer.readUInt16LE(at + nameBytes);
    if (buffer[at + 66] !== streamType || length < 4 || length > nameBytes || length % 2 === 1) continue;
    const name = buffer.toString("utf16le", at, at + length - 2);
    if (name === "Workbook" || name === "Book") streams.push({ name, sector: buffer.readUInt32LE(at + 116) });
  }
  return streams;
}

/** The record, if there is one, is among the first few. */
function isEncrypted(records: Buffer): boolean {
  let at = 0;
  for (let count = 0; count < 4 && at + 4 <= records.length; count += 1) {
    if (records.readUInt16LE(at) === filePassRecord) return true;
    at += 4 + records.readUInt16LE(at + 2);
  }
  return false;
}
