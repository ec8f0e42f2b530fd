import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fillPrompt, readPrompts } from "./prompt-files.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-prompts-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function read(file: string, content: string) {
  writeFileSync(join(folder, file), content);
  return readPrompts(pathToFileURL(`${folder}/`));
}

describe("prompts in files", () => {
  it("have a name, a version and a body", () => {
    const prompts = read("a.greeting.md", "---\nname: a.greeting\nversion: 3\n---\n\nGreet in {language}.\n");

    expect(prompts.get("a.greeting")).toEqual({
      id: "a.greeting@3",
      name: "a.greeting",
      version: 3,
      body: "Greet in {language}.",
    });
  });

  it.each([
    ["a.b.md", "Greet."],
    ["a.b.md", "---\nname: a.b\n---\nGreet."],
    ["a.b.md", "---\nname: a.b\nversion: 0\n---\nGreet."],
    ["a.b.md", "---\nname: a.b\nversion: 1\n---\n \n"],
    ["a.c.md", "---\nname: a.b\nversion: 1\n---\nGreet."],
  ])("are refused: %s with %j", (file, content) => {
    expect(() => read(file, content)).toThrow(expect.objectContaining({ code: "prompt_invalid" }));
  });
});

describe("filling a prompt in", () => {
  const prompt = { id: "a.b@1", name: "a.b", version: 1, body: 'Write {what} in {language}: {"json": {}}' };

  it("puts values in their places and leaves other braces alone", () => {
    expect(fillPrompt(prompt, { what: "it", language: "German" })).toBe('Write it in German: {"json": {}}');
  });

  it("does not fill in what stands in a value", () => {
    expect(fillPrompt(prompt, { what: "{language}", language: "German" })).toContain("Write {language} in");
  });

  it.each([{ what: "it" }, { what: "it", language: "German", more: "x" }])("refuses %j", (values) => {
    expect(() => fillPrompt(prompt, values)).toThrow(expect.objectContaining({ code: "prompt_invalid" }));
  });
});
