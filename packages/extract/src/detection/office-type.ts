import { fileEncryptedOrLegacy } from "../errors.ts";
import type { FileType } from "../extracted-text.ts";

/** What content detection calls office files, with their templates and shows. */
const byDetectedExtension: ReadonlyMap<string, FileType> = new Map([
  ["docx", "docx"],
  ["docm", "docx"],
  ["dotx", "docx"],
  ["dotm", "docx"],
  ["xlsx", "xlsx"],
  ["xlsm", "xlsx"],
  ["xltx", "xlsx"],
  ["xltm", "xlsx"],
  ["pptx", "pptx"],
  ["pptm", "pptx"],
  ["potx", "pptx"],
  ["potm", "pptx"],
  ["ppsx", "pptx"],
  ["ppsm", "pptx"],
  ["odt", "odt"],
  ["ott", "odt"],
  ["ods", "ods"],
  ["ots", "ods"],
  ["odp", "odp"],
  ["otp", "odp"],
  ["rtf", "rtf"],
]);

/** The office format that content detection found, if it is one that is read. */
export function officeType(detectedExtension: string): FileType | undefined {
  return byDetectedExtension.get(detectedExtension);
}

/** The office format of an archive whose list of parts lies beyond the head: the names of its first parts tell. */
export function archiveType(head: Uint8Array, extension: string): FileType | undefined {
  const names = partNames(Buffer.from(head));
  if (names.some((name) => name.startsWith("word/"))) return "docx";
  if (names.some((name) => name.startsWith("ppt/"))) return "pptx";
  if (names.some((name) => name.startsWith("xl/"))) return "xlsx";
  const byName = byDetectedExtension.get(extension);
  const isOpenDocument = names.some((name) => name === "content.xml" || name === "META-INF/manifest.xml");
  // Without the part that says which kind it is, only the name does.
  if (isOpenDocument && (byName === "odt" || byName === "ods" || byName === "odp")) return byName;
  return byName === "docx" ? byName : undefined;
}

function partNames(bytes: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = bytes.indexOf("PK\u0003\u0004"); at >= 0; at = bytes.indexOf("PK\u0003\u0004", at + 4)) {
    if (at + 30 > bytes.length) break;
    const name = bytes.toString("latin1", at + 30, at + 30 + bytes.readUInt16LE(at + 26));
    // Some programs write the separator of Windows.
    names.push(name.replaceAll("\\", "/"));
  }
  return names;
}

/**
 * Old Excel files are compound files, and so are Word's and PowerPoint's of that time and encrypted ones of today,
 * which are refused with `file_encrypted_or_legacy`. The list of their streams may lie beyond the head: then the
 * name decides, and whoever reads the file looks again.
 */
export function compoundType(head: Uint8Array, extension: string): FileType {
  const bytes = Buffer.from(head);
  if (bytes.includes(Buffer.from("EncryptedPackage", "utf16le"))) throw fileEncryptedOrLegacy();
  const isWorkbook =
    bytes.includes(Buffer.from("Workbook\0", "utf16le")) || bytes.includes(Buffer.from("Book\0", "utf16le"));
  if (isWorkbook || extension === "xls" || extension === "xlt") return "xls";
  throw fileEncryptedOrLegacy();
}
