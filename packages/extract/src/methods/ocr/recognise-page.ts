import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readPicturePage } from "./picture.ts";
import { renderPage } from "./render-page.ts";
import { recogniseBuiltIn } from "./built-in.ts";
import { recogniseWithProgram } from "./program.ts";

/** What an engine reads of one picture. `confidence` is its own estimate, 0 to 100. */
export type Recognised = { readonly text: string; readonly confidence: number };

/** Reads the text in the picture of one page, with the engine and the languages of the task. */
export async function recognisePage(input: MethodInput): Promise<MethodOutput> {
  const { page: task } = input;
  if (task === undefined) throw new MethodFailure("declined", "no page was named");
  const picture = task.isPdf
    ? await renderPage(input, task.page)
    : await readPicturePage(input.path, task.page);
  const { text, confidence } = picture === undefined ? blank : await read(picture, input);
  return {
    parts: [text],
    hasPages: false,
    title: null,
    encoding: null,
    warnings: [],
    isWeak: false,
    confidence,
  };
}

/** Nothing is drawn on the page, and that is certain. */
const blank: Recognised = { text: "", confidence: 100 };

async function read(picture: Uint8Array, { page: task, folder }: MethodInput): Promise<Recognised> {
  if (task?.program !== undefined) {
    return await recogniseWithProgram(picture, { ...task, program: task.program, folder });
  }
  return await recogniseBuiltIn(picture, task?.languages ?? [], folder);
}
