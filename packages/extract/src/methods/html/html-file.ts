import { maxTextFileBytes } from "../../limits.ts";
import { decodeText } from "../../text/decode-text.ts";
import type { DecodedText } from "../../text/decode-text.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";
import { htmlToText, isTooMuchForTree } from "./html-text.ts";
import type { HtmlText } from "./html-text.ts";
import { stripTags } from "./strip-tags.ts";

/** A page as a whole: headings, lists and tables kept, navigation and hidden parts left out. */
export async function extractHtmlTree(input: MethodInput): Promise<MethodOutput> {
  const decoded = decodeHtml(await readBytes(input.path, maxTextFileBytes));
  if (isTooMuchForTree(decoded.text)) throw new MethodFailure("declined", "too deep or long for a tree");
  const page = htmlToText(decoded.text);
  return output(decoded, page, page.text.trim() === "");
}

/** A page of any depth and length up to 128 MB, without building a tree. */
export async function extractHtmlTags(input: MethodInput): Promise<MethodOutput> {
  const decoded = decodeHtml(await readBytes(input.path, maxTextFileBytes));
  return output(decoded, stripTags(decoded.text), false);
}

function output(decoded: DecodedText, page: HtmlText, isWeak: boolean): MethodOutput {
  return {
    parts: [page.text],
    hasPages: false,
    title: page.title,
    encoding: decoded.encoding,
    warnings: decoded.warnings,
    isTruncated: page.isTruncated,
    isWeak,
  };
}

/** The text of a page in the encoding that it declares, else in the one that its bytes show. */
export function decodeHtml(bytes: Uint8Array): DecodedText {
  return decodeText(bytes, declaredEncoding(bytes));
}

/** What the page says of itself; browsers look no further than the first kilobyte either. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const beginning = Buffer.from(bytes.subarray(0, 4096)).toString("latin1");
  const inMeta = /<meta\s[^>]{0,400}?charset\s*=\s*["']?\s*([\w:.-]{1,40})/i.exec(beginning);
  const inXml = /^\s{0,20}<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([\w:.-]{1,40})/i.exec(beginning);
  return inMeta?.[1] ?? inXml?.[1];
}
