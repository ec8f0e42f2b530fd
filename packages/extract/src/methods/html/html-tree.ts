import { compile } from "html-to-text";
import type { DomNode, FormatCallback, HtmlToTextOptions, SelectorDefinition } from "html-to-text";
import { maxHtmlTreeBytes } from "../../limits.ts";

/** Not shown, or not what an author wrote. Headers and footers stay: letters keep their address there. */
const leftOut = [
  "script",
  "style",
  "noscript",
  "template",
  "svg",
  "iframe",
  "object",
  "canvas",
  "select",
  "button",
  "img",
  "nav",
  '[role="navigation"]',
  "[hidden]",
  '[aria-hidden="true"]',
  '[style*="display:none"]',
  '[style*="display: none"]',
];

/** A row with a longer cell is page layout, not a table. */
const maxCellCharacters = 1_000;

/** Converts a page that passed the depth scan. When only left-out parts hold text, they are kept. */
export function convertHtmlTree(html: string): string {
  const text = compile(options(leftOut))(html);
  const kept =
    text.trim() !== "" ? text : compile(options(["script", "style", "template", "svg", "img"]))(html);
  // What is left of headings that hold only a picture or nothing.
  return kept.replace(/^#{1,6}[ \t]*$/gm, "");
}

function options(skipped: readonly string[]): HtmlToTextOptions {
  const selectors: SelectorDefinition[] = [
    ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({
      selector,
      format: "markedHeading",
    })),
    { selector: "a", options: { ignoreHref: true } },
    { selector: "ul", options: { itemPrefix: "- " } },
    { selector: "tr", format: "tableRow" },
    ...[
      "section",
      "figure",
      "figcaption",
      "dl",
      "dt",
      "dd",
      "fieldset",
      "address",
      "caption",
      "details",
      "summary",
    ].map((selector) => ({ selector, format: "block" })),
    ...skipped.map((selector) => ({ selector, format: "skip" })),
  ];
  return {
    wordwrap: false,
    selectors,
    formatters: { tableRow, markedHeading },
    limits: { maxInputLength: maxHtmlTreeBytes },
  };
}

/** As in Markdown, so that passages below it can name their section. */
const markedHeading: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 2 });
  builder.addInline(`${"#".repeat(Number(element.name?.slice(1)) || 1)} `, {});
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: 2 });
};

/** One row on one line, cells separated by " | "; rows that lay out a page keep their blocks. */
const tableRow: FormatCallback = (element, walk, builder) => {
  const cells = (element.children ?? []).filter((child) => child.name === "td" || child.name === "th");
  const texts = cells.map((cell) => (containsTable(cell) ? undefined : inlineText(cell)));
  builder.openBlock({ leadingLineBreaks: 1 });
  if (cells.length > 1 && texts.every((text) => text !== undefined && text.length <= maxCellCharacters)) {
    builder.addInline(texts.join(" | "), {});
  } else {
    for (const cell of cells) {
      builder.openBlock({ leadingLineBreaks: 1 });
      walk(cell.children, builder);
      builder.closeBlock({ trailingLineBreaks: 1 });
    }
  }
  builder.closeBlock({ trailingLineBreaks: 1 });
};

function containsTable(node: DomNode): boolean {
  return (node.children ?? []).some((child) => child.name === "table" || containsTable(child));
}

/** The text of a cell in one line; blocks inside become spaces. Depth is bounded by the scan. */
function inlineText(node: DomNode): string {
  if (node.type === "text") return node.data ?? "";
  if (node.name === "script" || node.name === "style" || node.name === "template") return "";
  const isInline = /^(?:a|abbr|b|code|em|font|i|mark|s|small|span|strong|sub|sup|u|wbr)$/.test(
    node.name ?? "",
  );
  const inner = (node.children ?? []).map(inlineText).join("");
  return (isInline ? inner : ` ${inner} `).replace(/\s+/g, " ");
}
