import { describe, expect, it } from "vitest";
import { splitFrontMatter } from "./front-matter.ts";

describe("splitFrontMatter", () => {
  it.each([
    ["---\ntitle: Water\n---\nBody", "Water", "Body"],
    ["---\ntitle: 'Wa: ter'\ntags:\n  - a\n---\n\nBody", "Wa: ter", "Body"],
    ['+++\ntitle = "Water"\n+++\nBody', "Water", "Body"],
    ["---\nauthor: me\n---\n# Heading #\n", "Heading", "# Heading #\n"],
    ["# Heading\n\nText", "Heading", "# Heading\n\nText"],
    ["No heading at all", undefined, "No heading at all"],
    [
      "---\n\nA rule, not front matter.\n\n---\n\nText",
      undefined,
      "---\n\nA rule, not front matter.\n\n---\n\nText",
    ],
    ["---\ntitle: never closed\n\nText", undefined, "---\ntitle: never closed\n\nText"],
    ["---\ntitle: >\n  folded\n---\nBody", undefined, "Body"],
  ])("splits %j", (text, title, body) => {
    expect(splitFrontMatter(text)).toEqual({ title, body });
  });
});
