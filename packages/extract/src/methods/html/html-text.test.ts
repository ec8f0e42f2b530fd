import { describe, expect, it } from "vitest";
import { convertHtmlTree } from "./html-tree.ts";
import { htmlToText, isTooMuchForTree } from "./html-text.ts";
import { scanHtml } from "./scan-html.ts";
import { stripTags } from "./strip-tags.ts";

describe("convertHtmlTree", () => {
  it("keeps the blocks of a table that lays out the page", () => {
    const page = "<table><tr><td><p>Left</p><p>column</p></td></tr></table>";

    expect(convertHtmlTree(page)).toMatch(/Left\s+column/);
  });

  it("keeps navigation when there is nothing else", () => {
    expect(convertHtmlTree("<body><nav>Home</nav></body>").trim()).toBe("Home");
  });

  it("says what links are called, not where they lead", () => {
    expect(convertHtmlTree('<a href="https://example.org">here</a>')).toBe("here");
  });
});

describe("scanHtml", () => {
  it("does not count forgotten end tags of paragraphs and list items as depth", () => {
    expect(scanHtml(`<ul>${"<li>item<p>text<br>".repeat(10_000)}</ul>`).depth).toBe(1);
  });

  it("finds the first title, entities resolved", () => {
    expect(scanHtml("<title>a &lt; b</title><svg><title>no</title></svg>").title).toBe("a < b");
  });
});

describe("htmlToText", () => {
  it("strips tags where the tree would be too deep", () => {
    const deep = `${"<div>".repeat(1_000)}text${"</div>".repeat(1_000)}`;

    expect(isTooMuchForTree(deep)).toBe(true);
    expect(htmlToText(deep).text.trim()).toBe("text");
  });
});

describe("stripTags", () => {
  it("leaves out scripts, styles and comments, and separates blocks and cells", () => {
    const page = `<title>T</title><style>p{}</style><p>a&amp;b</p><!-- no --><script>if (a<b) {}</script>
      <table><tr><td>c</td><td>d</td></tr></table>`;

    expect(
      stripTags(page)
        .text.replace(/\s*\n\s*/g, "\n")
        .trim(),
    ).toBe("a&b\nc | d");
  });

  it("survives tags that never end", () => {
    expect(stripTags("<p>text<div class='").text).toContain("text");
  });
});
