import { createHash } from "node:crypto";
import { partNames } from "@millrace/contracts";
import { readPrompts } from "@millrace/models";
import { describe, expect, it } from "vitest";
import { analysisInstructions, mergeInstructions, promptFolder } from "./prompts.ts";

const english = { language: "en" };

describe("the prompts of documents", () => {
  it("have another version when their text is another", () => {
    const hashes = Object.fromEntries(
      [...readPrompts(promptFolder).values()].map(({ id, body }) => [
        id,
        createHash("sha256").update(body).digest("hex").slice(0, 16),
      ]),
    );

    // A hash that differs: raise `version` in the file's head, then write the new line here.
    expect(hashes).toEqual({
      "document.analysis@1": "dc38ef879d69e18e",
      "document.key_points@1": "d0df3cac7776a393",
      "document.merge_key_points@1": "e838b32e8068d1ea",
      "document.merge_summary@1": "72cf8ce85150797f",
      "document.merge_topics@1": "b8e3227afda33382",
      "document.sentiment@1": "b810bdb09df7ee09",
      "document.summary@1": "a325fcd60e4a5d00",
      "document.topics@1": "bc32ab43bd1b9d88",
    });
  });

  it.each([...partNames, "analysis"] as const)("ask for %s, of a whole text and of a stretch", (what) => {
    const whole = analysisInstructions(what, english, false);
    const stretch = analysisInstructions(what, english, true);

    expect(whole.prompt).toBe(stretch.prompt);
    expect(whole.prompt).toMatch(/^document\.[a-z_]+@\d+$/);
    expect(stretch.text).toContain("one stretch of a longer document");
    expect(`${whole.text}${stretch.text}`).not.toMatch(/[{}]/);
  });

  it.each(["summary", "key_points", "topics"] as const)("ask for one %s out of many", (part) => {
    expect(mergeInstructions(part, { language: "de" }).text).toContain("Write in German");
  });

  it("leave the language to the text when it is unknown", () => {
    expect(analysisInstructions("summary", { language: null }, false).text).toContain(
      "Write in the language of the text",
    );
  });
});
