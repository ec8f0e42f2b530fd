import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExtractionWarning } from "../../extracted-text.ts";
import { maxAttachments } from "../../limits.ts";
import { htmlToText } from "../html/html-text.ts";
import type { FoundAttachment, MethodOutput } from "../method.ts";

/** A message as both libraries give it. */
export type Mail = {
  readonly subject: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly cc: string | undefined;
  readonly date: Date | undefined;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly attachments: readonly MailAttachment[];
};

export type MailAttachment = {
  readonly name: string | undefined;
  readonly mediaType: string;
  readonly content: Uint8Array;
};

/** Long lists of receivers say little; search finds the first of them. */
const maxAddressCharacters = 2_000;

/**
 * The fields that people look for, then the body: as text where the message has one, else from its HTML.
 * Attachments are written into the folder for whoever reads them.
 */
export async function mailOutput(mail: Mail, attachmentFolder: string): Promise<MethodOutput> {
  const body = bodyOf(mail);
  const fields = [
    field("Subject", mail.subject),
    field("From", mail.from),
    field("To", mail.to),
    field("Cc", mail.cc),
    field("Date", isDate(mail.date) ? mail.date.toISOString() : undefined),
  ];
  const text = [fields.filter((line) => line !== "").join("\n"), body.text].filter(
    (part) => part.trim() !== "",
  );
  const { attachments, warnings } = await writeAttachments(mail.attachments, attachmentFolder);
  return {
    parts: [text.join("\n\n")],
    hasPages: false,
    title: mail.subject ?? null,
    encoding: null,
    warnings,
    attachments,
    isTruncated: body.isTruncated,
    isWeak: text.length === 0 && attachments.length === 0,
  };
}

function bodyOf({ text, html }: Mail): { readonly text: string; readonly isTruncated: boolean } {
  if (text !== undefined && text.trim() !== "") return { text, isTruncated: false };
  return html === undefined ? { text: "", isTruncated: false } : htmlToText(html);
}

function field(name: string, value: string | undefined): string {
  const line = value?.replace(/\s+/g, " ").trim() ?? "";
  if (line === "") return "";
  return `${name}: ${line.length > maxAddressCharacters ? `${line.slice(0, maxAddressCharacters)} …` : line}`;
}

function isDate(date: Date | undefined): date is Date {
  return date !== undefined && Number.isFinite(date.getTime());
}

async function writeAttachments(
  found: readonly MailAttachment[],
  folder: string,
): Promise<{ attachments: FoundAttachment[]; warnings: ExtractionWarning[] }> {
  const attachments: FoundAttachment[] = [];
  for (const [index, { name, mediaType, content }] of found.slice(0, maxAttachments).entries()) {
    const file = `attachment-${index}`;
    await writeFile(join(folder, file), content);
    attachments.push({ name: nameOf(name, mediaType, index), file });
  }
  const left = found.length - attachments.length;
  if (left === 0) return { attachments, warnings: [] };
  const message = `The message has ${found.length} attachments; only the first ${maxAttachments} were read.`;
  return { attachments, warnings: [{ code: "attachments_left_out", message }] };
}

/** One line of at most 200 characters. A message within a message often has no name. */
function nameOf(name: string | undefined, mediaType: string, index: number): string {
  const given =
    name
      ?.replace(/[\s\p{C}]+/gu, " ")
      .trim()
      .slice(0, 200)
      .toWellFormed() ?? "";
  if (given !== "") return given;
  return mediaType === "message/rfc822" ? `message ${index + 1}.eml` : `attachment ${index + 1}`;
}
