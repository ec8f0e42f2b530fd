import { Tokenizer } from "htmlparser2";
import type { TokenizerCallbacks } from "htmlparser2";

export type HtmlScan = { readonly depth: number; readonly title: string | null };

/** Elements without content, and those whose end tag may be left out: they don't nest by themselves. */
const flatElements: ReadonlySet<string> = new Set(
  "area base br col embed hr img input link meta param source track wbr p li dt dd td th tr option".split(
    " ",
  ),
);

/**
 * Measures how deep a page nests and reads its title, in one pass and constant memory. Forgotten end
 * tags make it count too deep, never too shallow: the mistake sends a page to the tag stripper.
 */
export function scanHtml(html: string): HtmlScan {
  let depth = 0;
  let deepest = 0;
  let title = "";
  let titleState: "before" | "inside" | "after" = "before";
  tokenize(html, {
    onopentagname: (start, end) => {
      const name = html.slice(start, end).toLowerCase();
      if (name === "title" && titleState === "before") titleState = "inside";
      if (flatElements.has(name)) return;
      depth += 1;
      if (depth > deepest) deepest = depth;
    },
    onclosetag: (start, end) => {
      const name = html.slice(start, end).toLowerCase();
      if (name === "title" && titleState === "inside") titleState = "after";
      if (!flatElements.has(name) && depth > 0) depth -= 1;
    },
    ontext: (start, end) => {
      if (titleState === "inside" && title.length < 4096) title += html.slice(start, end);
    },
    ontextentity: (codePoint) => {
      if (titleState === "inside" && title.length < 4096) title += String.fromCodePoint(codePoint);
    },
  });
  return { depth: deepest, title: title.trim() === "" ? null : title };
}

/** Runs the tokenizer of htmlparser2 alone: no stack of elements, so no cost for depth. */
export function tokenize(html: string, callbacks: Partial<TokenizerCallbacks>): void {
  const ignore = (): void => undefined;
  const tokenizer = new Tokenizer(
    { xmlMode: false, decodeEntities: true },
    {
      onattribdata: ignore,
      onattribentity: ignore,
      onattribend: ignore,
      onattribname: ignore,
      oncdata: ignore,
      onclosetag: ignore,
      oncomment: ignore,
      ondeclaration: ignore,
      onend: ignore,
      onopentagend: ignore,
      onopentagname: ignore,
      onprocessinginstruction: ignore,
      onselfclosingtag: ignore,
      ontext: ignore,
      ontextentity: ignore,
      ...callbacks,
    },
  );
  tokenizer.write(html);
  tokenizer.end();
}
