import type { System } from "@millrace/contracts";
import { formatBytes, formatLimit } from "../formatting/numbers.ts";

/** File endings by the file types that a server says it reads. */
const endings: Readonly<Record<string, readonly string[]>> = {
  pdf: [".pdf"],
  docx: [".docx", ".docm"],
  xlsx: [".xlsx", ".xlsm", ".xlsb"],
  xls: [".xls"],
  pptx: [".pptx", ".pptm"],
  odt: [".odt"],
  ods: [".ods"],
  odp: [".odp"],
  rtf: [".rtf"],
  html: [".html", ".htm", ".xhtml"],
  markdown: [".md", ".markdown"],
  text: [".txt", ".text", ".log"],
  csv: [".csv"],
  tsv: [".tsv", ".tab"],
  eml: [".eml"],
  image: [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"],
};

const advice: Readonly<Record<string, string>> = {
  ".doc": "Old Word files are not read. Save it as .docx or PDF and add that.",
  ".ppt": "Old PowerPoint files are not read. Save it as .pptx or PDF and add that.",
  ".pages": "Export it as .docx or PDF and add that.",
  ".heic": "Save it as .jpg or .png and add that.",
  ".zip": "Unpack it and add the documents inside.",
};

type Limits = Pick<System, "max_upload_bytes" | "file_types">;

/** For the `accept` attribute of file pickers; empty while the server's types are not known. */
export function acceptedEndings(limits: Limits | undefined): string[] {
  return (limits?.file_types ?? []).flatMap((type) => endings[type] ?? []);
}

/**
 * Why a file would be refused and what to do about it, or undefined when it may be sent. The server
 * decides by content; this only spares the reader an upload that can't succeed.
 */
export function refusalOf(
  file: { readonly name: string; readonly size: number },
  limits: Limits | undefined,
): string | undefined {
  if (file.size === 0) return "This file is empty. Check that it was saved, or add another one.";
  if (limits === undefined) return undefined;
  if (file.size > limits.max_upload_bytes) {
    return `This file has ${formatBytes(file.size)}; at most ${formatLimit(limits.max_upload_bytes)} are allowed. Split it, or raise MAX_UPLOAD_BYTES.`;
  }
  const ending = endingOf(file.name);
  const accepted = acceptedEndings(limits);
  // Without an ending, or with types we do not know, the server has a look.
  if (ending === undefined || accepted.length === 0 || accepted.includes(ending)) return undefined;
  return advice[ending] ?? `Files ending in ${ending} are not read. Add one of: ${accepted.join(", ")}.`;
}

function endingOf(name: string): string | undefined {
  const dot = name.lastIndexOf(".");
  return dot <= 0 || dot === name.length - 1 ? undefined : name.slice(dot).toLowerCase();
}
