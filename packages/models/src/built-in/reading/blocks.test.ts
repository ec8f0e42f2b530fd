import { describe, expect, it } from "vitest";
import { readBlocks } from "./blocks.ts";
import { repairMojibake } from "./mojibake.ts";
import { splitSentences } from "./sentences.ts";

function textsOf(text: string): string[] {
  return readBlocks(text).map((block) => `${block.kind}: ${block.text}`);
}

describe("reading a text into blocks", () => {
  it("leaves out front matter, code, diagrams, tables and page furniture", () => {
    const text = [
      "---\ntitle: Secret\ntags: [a]\n---",
      "# Title",
      "All Posts",
      "A first sentence about something.",
      "```mermaid\nflowchart LR\n  A --> B\n```",
      "import os\nfrom celery import Celery\n\napp = Celery('x')\n\ndef run(self):\n    return 1",
      "$ docker compose up",
      "| a | b |\n|---|---|\n| 1 | 2 |",
      "~~~\ncode = 1\n~~~",
      "7 min read",
      "A second sentence about it.",
    ].join("\n\n");

    expect(textsOf(text)).toEqual([
      "heading: Title",
      "prose: A first sentence about something.",
      "prose: A second sentence about it.",
    ]);
  });

  it("keeps headings apart from the sentence after them", () => {
    expect(textsOf("Results\nThe second trial was twice as fast as the first one was.")).toEqual([
      "heading: Results",
      "prose: The second trial was twice as fast as the first one was.",
    ]);
    expect(textsOf("Results\n=======\nIt was faster.")).toEqual([
      "heading: Results",
      "prose: It was faster.",
    ]);
  });

  it("joins lines that a page's width has broken", () => {
    const text =
      "The committee has decided to close the\nbridge for eleven months, be-\ncause its cables are old.";

    expect(textsOf(text)).toEqual([
      "prose: The committee has decided to close the bridge for eleven months, be-cause its cables are old.",
    ]);
    expect(textsOf("图书馆每天开放到\n午夜十二点。")).toEqual(["prose: 图书馆每天开放到午夜十二点。"]);
  });

  it("drops headers and footers that come back on every page", () => {
    const page = (body: string) => `Annual report 2025\n\n${body}\n\nPage 3 of 9\n`;

    expect(textsOf([page("One is here."), page("Two is here."), page("Three is here.")].join("\n"))).toEqual([
      "prose: One is here.",
      "prose: Two is here.",
      "prose: Three is here.",
    ]);
  });

  it("shows links, emphasis and inline code as a reader sees them", () => {
    const text = "Use **the** [manual](https://example.org/a_(b)) and `set_limit`, *please*.";

    expect(textsOf(text)).toEqual(["prose: Use the manual and set_limit, please."]);
  });

  it.each(["[", "(", "<!--", "<a ", "*a ", "_", "`a", "\n", ". ", '"a" ', "Ã"])(
    "reads 300 kB of %j in bounded time",
    (piece) => {
      const started = performance.now();

      readBlocks(piece.repeat(300_000 / piece.length));

      expect(performance.now() - started).toBeLessThan(4000);
    },
  );

  it("gives well-formed text without control characters", () => {
    expect(textsOf("A broken \ud800 pair and a \u0000 zero are here.")).toEqual([
      "prose: A broken \ufffd pair and a zero are here.",
    ]);
  });
});

describe("repairing wrongly decoded text", () => {
  it("repairs UTF-8 that was read as Windows-1252", () => {
    expect(repairMojibake("âœ… Itâ€™s fine, cafÃ© ðŸ“Œ")).toBe("✅ It’s fine, café 📌");
  });

  it("leaves correct text alone", () => {
    const text = "Ärger über Öl – naïve café, “quoted”, Ångström, São Paulo, Ã la carte";

    expect(repairMojibake(text)).toBe(text);
  });
});

describe("splitting sentences", () => {
  it("does not stop at abbreviations, versions or speech", () => {
    const text = 'Dr. Weiß uses Postgres v3.4, e.g. for logs. "Is it so?" he asked. The U.S. team agreed.';

    expect(splitSentences(text, "en")).toEqual([
      "Dr. Weiß uses Postgres v3.4, e.g. for logs.",
      '"Is it so?" he asked.',
      "The U.S. team agreed.",
    ]);
  });

  it("takes enumerators off", () => {
    expect(splitSentences("1. It starts here. 2. It goes on there. § 3 It ends.", "en")).toEqual([
      "It starts here.",
      "It goes on there.",
      "It ends.",
    ]);
  });

  it("splits Chinese", () => {
    expect(splitSentences("第一句。第二句!第三句?", "zh")).toHaveLength(3);
  });
});
