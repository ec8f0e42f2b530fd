import { createHash } from "node:crypto";
import { readPrompts } from "@millrace/models";
import { expect, it } from "vitest";

it("has prompts with another version when their text is another", () => {
  const prompts = [...readPrompts(new URL("../prompts/", import.meta.url)).values()];

  const hashes = prompts.map(({ id, body }) => [
    id,
    createHash("sha256").update(body).digest("hex").slice(0, 16),
  ]);

  // A hash that differs: raise `version` in the file's head, then write the new line here.
  expect(Object.fromEntries(hashes)).toEqual({ "ask.answer@1": "ccfb812c4359b151" });
});
