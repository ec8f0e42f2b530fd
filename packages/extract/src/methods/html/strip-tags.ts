import { maxTextCharacters } from "../../limits.ts";
import type { HtmlText } from "./html-text.ts";
import { scanHtml, tokenize } from "./scan-html.ts";

/** Never shown. Navigation stays: without a tree its end can't be trusted. */
const unseen: ReadonlySet<string> = new Set(["script", "style", "template", "noscript", "svg", "title"]);

const blocks: ReadonlySet<string> = new Set(
  "address article aside blockquote body br dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tr ul".split(
    " ",
  ),
);

/** Takes the text out of HTML of any depth and length, in one pass and without a tree. */
export function stripTags(html: string): HtmlText {
  const pieces: string[] = [];
  let characters = 0;
  let unseenName: string | undefined;
  let unseenDepth = 0;
  const add = (text: string): void => {
    if (unseenName !== undefined || characters > maxTextCharacters) return;
    pieces.push(text);
    characters += text.length;
  };
  tokenize(html, {
    onopentagname: (start, end) => {
      const name = html.slice(start, end).toLowerCase();
      if (unseenName === undefined && unseen.has(name)) unseenName = name;
      if (unseenName === name) unseenDepth += 1;
      if (blocks.has(name)) add("\n");
      else if (name === "td" || name === "th") add(" | ");
    },
    onclosetag: (start, end) => {
      const name = html.slice(start, end).toLowerCase();
      if (unseenName === name) {
        unseenDepth -= 1;
        if (unseenDepth === 0) unseenName = undefined;
      }
      if (blocks.has(name)) add("\n");
    },
    ontext: (start, end) => add(html.slice(start, end).replace(/\s+/g, " ")),
    ontextentity: (codePoint) => add(String.fromCodePoint(codePoint)),
  });
  const text = pieces.join("").replace(/\n[ \t]*\|[ \t]*/g, "\n");
  return { text, title: scanHtml(html).title, isTruncated: characters > maxTextCharacters };
}
