import { readdirSync, readFileSync } from "node:fs";
import { modelErrors } from "../errors.ts";

/** Instructions for a model, from a file of their own. */
export type Prompt = {
  /** Name and version, such as `document.summary@2`: for results, and for the key of stored answers. */
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** With `{placeholders}`. */
  readonly body: string;
};

const header = /^---\r?\nname: ([a-z_]+(?:\.[a-z_]+)+)\r?\nversion: ([1-9]\d{0,5})\r?\n---\r?\n/;
const placeholder = /\{([a-z_]+)\}/g;

/**
 * Reads all prompts of a folder: files `NAME.md` that begin with `name` and `version` between lines of
 * `---`. A body that changes needs another version, or results and stored answers would be taken for
 * those of the new one. Throws `prompt_invalid`, naming the file.
 */
export function readPrompts(folder: URL): ReadonlyMap<string, Prompt> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".md"));
  return new Map(
    files.map((file): [string, Prompt] => {
      const prompt = parsePrompt(file, readFileSync(new URL(file, folder), "utf8"));
      return [prompt.name, prompt];
    }),
  );
}

function parsePrompt(file: string, content: string): Prompt {
  const [head, name, version] = header.exec(content) ?? [];
  if (head === undefined || name === undefined || version === undefined) {
    throw modelErrors.promptInvalid(
      file,
      "it must begin with a name such as document.summary and a whole version",
    );
  }
  if (file !== `${name}.md`) throw modelErrors.promptInvalid(file, `its name is ${name}, its file is not`);
  const body = content.slice(head.length).trim();
  if (body === "") throw modelErrors.promptInvalid(file, "it has no text");
  return { id: `${name}@${version}`, name, version: Number(version), body };
}

/**
 * A prompt with its placeholders filled in, in one pass: what stands in a value is never taken for a
 * placeholder. Values are for what we know ourselves, such as a language; a text goes to the model as data.
 * Throws `prompt_invalid` for a placeholder without a value and for a value without a placeholder.
 */
export function fillPrompt(prompt: Prompt, values: Readonly<Record<string, string>>): string {
  const used = new Set<string>();
  const filled = prompt.body.replaceAll(placeholder, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw modelErrors.promptInvalid(prompt.id, `nothing is known for {${name}}`);
    used.add(name);
    return value;
  });
  const unused = Object.keys(values).find((name) => !used.has(name));
  if (unused !== undefined) throw modelErrors.promptInvalid(prompt.id, `it has no {${unused}}`);
  return filled;
}
