import { maxTextFileBytes } from "../../limits.ts";
import { decodeLatin1, decodeText } from "../../text/decode-text.ts";
import type { DecodedText } from "../../text/decode-text.ts";
import { splitFrontMatter } from "../../text/front-matter.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";

/** Plain text as it is, in whatever encoding it was written. */
export async function extractPlainText(input: MethodInput): Promise<MethodOutput> {
  return plain(decodeText(await readBytes(input.path, maxTextFileBytes)));
}

/** The last resort for plain text: every byte is a character. */
export async function extractPlainTextLatin1(input: MethodInput): Promise<MethodOutput> {
  return plain(decodeLatin1(await readBytes(input.path, maxTextFileBytes)));
}

/** Markdown as it is, its front matter taken off and its title read. */
export async function extractMarkdown(input: MethodInput): Promise<MethodOutput> {
  return markdown(decodeText(await readBytes(input.path, maxTextFileBytes)));
}

/** The last resort for Markdown: every byte is a character. */
export async function extractMarkdownLatin1(input: MethodInput): Promise<MethodOutput> {
  return markdown(decodeLatin1(await readBytes(input.path, maxTextFileBytes)));
}

function plain(decoded: DecodedText): MethodOutput {
  return {
    parts: [decoded.text],
    hasPages: false,
    title: null,
    encoding: decoded.encoding,
    warnings: decoded.warnings,
    isWeak: false,
  };
}

function markdown(decoded: DecodedText): MethodOutput {
  const { title, body } = splitFrontMatter(decoded.text.replace(/\r\n?/g, "\n"));
  return { ...plain({ ...decoded, text: body }), title: title ?? null };
}
