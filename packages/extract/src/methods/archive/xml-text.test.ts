import { describe, expect, it } from "vitest";
import { decodeXmlText } from "./xml-text.ts";

describe("decodeXmlText", () => {
  it("resolves predefined entities and numbers, and nothing else", () => {
    expect(decodeXmlText("&lt;a&gt; &amp;amp; &#228; &#xE4; &lol; &#0; &#x110000;")).toBe(
      "<a> &amp; ä ä &lol; &#0; &#x110000;",
    );
  });
});
