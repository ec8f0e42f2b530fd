import { readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { repository } from "./compose.ts";

export type Instruction = { readonly word: string; readonly rest: string };

export type Stage = {
  /** Undefined for the last one, which becomes the image. */
  readonly name: string | undefined;
  /** An earlier stage, or an image. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
};

/** The stages of the Dockerfile in their order, its arguments filled in. */
export function readStages(): Stage[] {
  const [head = [], ...stages] = splitBy(readInstructions(), ({ word }) => word === "FROM");
  const given = new Map(head.filter(({ word }) => word === "ARG").map(({ rest }) => splitPair(rest)));
  return stages.map(([first, ...instructions]) => {
    const words = (first?.rest ?? "").split(/\s+/);
    const [from = "", , name] = words.map((word) =>
      word.replaceAll(/\$\{(\w+)\}/g, (_all, key: string) => given.get(key) ?? ""),
    );
    return { name, from, instructions };
  });
}

/** What the instruction of this name in the image says last. */
export function imageSays(word: string): string {
  const image = readStages().at(-1);
  const found = image?.instructions.findLast((instruction) => instruction.word === word);
  if (found === undefined) throw new Error(`The image has no ${word}.`);
  return found.rest;
}

/** The words of an instruction in its JSON form; options before them are left out. */
export function execForm(rest: string): string[] {
  const words: unknown = JSON.parse(rest.slice(rest.indexOf("[")));
  if (!Array.isArray(words)) throw new Error(`This is no list: ${rest}`);
  return words.map(String);
}

/** The environment that the image gives each process. */
export function imageEnvironment(): Record<string, string> {
  const image = readStages().at(-1);
  const pairs = (image?.instructions ?? [])
    .filter(({ word }) => word === "ENV")
    .flatMap(({ rest }) => rest.split(/\s+/));
  return Object.fromEntries(pairs.map(splitPair));
}

/** Whether .dockerignore keeps a file of the repository from the builder: the last line that fits decides. */
export function isLeftOut(path: string): boolean {
  const parts = path.split("/");
  const prefixes = parts.map((_part, index) => parts.slice(0, index + 1).join("/"));
  let isOut = false;
  for (const line of readFileSync(join(repository, ".dockerignore"), "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const isKept = line.startsWith("!");
    const pattern = isKept ? line.slice(1) : line;
    if (prefixes.some((prefix) => matchesGlob(prefix, pattern))) isOut = !isKept;
  }
  return isOut;
}

function readInstructions(): Instruction[] {
  const text = readFileSync(join(repository, "Dockerfile"), "utf8")
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [word = ""] = line.split(/\s/, 1);
    return { word, rest: line.slice(word.length).trim() };
  });
}

function splitBy<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): Item[][] {
  const groups: Item[][] = [[]];
  for (const item of items) {
    if (isFirst(item)) groups.push([]);
    groups.at(-1)?.push(item);
  }
  return groups;
}

function splitPair(text: string): [name: string, value: string] {
  const [name = "", value = ""] = text.split("=", 2);
  return [name, value];
}
