import { maxHtmlTreeBytes, maxHtmlTreeDepth } from "../../limits.ts";
import { convertHtmlTree } from "./html-tree.ts";
import { scanHtml } from "./scan-html.ts";
import { stripTags } from "./strip-tags.ts";

export type HtmlText = {
  readonly text: string;
  readonly title: string | null;
  readonly isTruncated: boolean;
};

/** HTML to text by the tree where that is safe, by the tag stripper where it is too deep or long. */
export function htmlToText(html: string): HtmlText {
  if (isTooMuchForTree(html)) return stripTags(html);
  return { text: convertHtmlTree(html), title: scanHtml(html).title, isTruncated: false };
}

/** A tree this long or deep exhausts memory, the stack, or the time of the child. */
export function isTooMuchForTree(html: string): boolean {
  return html.length > maxHtmlTreeBytes || scanHtml(html).depth > maxHtmlTreeDepth;
}
