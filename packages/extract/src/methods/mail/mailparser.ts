import { simpleParser } from "mailparser";
import type { AddressObject, ParsedMail } from "mailparser";
import { maxMailBytes } from "../../limits.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";
import { mailOutput } from "./mail-text.ts";

/** Reads a message with mailparser. Its HTML is left to our own conversion, which knows its limits. */
export async function extractWithMailparser(input: MethodInput): Promise<MethodOutput> {
  const bytes = await readBytes(input.path, maxMailBytes);
  const mail = await parseMessage(Buffer.from(bytes.buffer));
  return await mailOutput(
    {
      subject: mail.subject,
      from: mail.from?.text,
      to: addresses(mail.to),
      cc: addresses(mail.cc),
      date: mail.date,
      text: mail.text,
      html: mail.html === false ? undefined : mail.html,
      attachments: mail.attachments.map(({ filename, contentType, content }) => ({
        name: filename,
        mediaType: contentType,
        content,
      })),
    },
    input.folder,
  );
}

/** The parts of a message, none of them made from another. */
export async function parseMessage(bytes: Buffer): Promise<ParsedMail> {
  return await simpleParser(bytes, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    skipImageLinks: true,
  });
}

function addresses(found: AddressObject | AddressObject[] | undefined): string | undefined {
  if (found === undefined) return undefined;
  return Array.isArray(found) ? found.map(({ text }) => text).join(", ") : found.text;
}
