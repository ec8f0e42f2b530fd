import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { MethodFailure } from "../method-failure.ts";
import type { OcrLanguage } from "../method.ts";
import type { Recognised } from "./recognise-page.ts";
import { readWords } from "./words.ts";

const run = promisify(execFile);

/** A full page has some thousand words of about 60 bytes each. */
const maxOutputBytes = 16 * 1024 * 1024;

/** Reads a picture with the program `tesseract` of the system. It ends with the child, whose limits it has. */
export async function recogniseWithProgram(
  picture: Uint8Array,
  task: { readonly program: string; readonly languages: readonly OcrLanguage[]; readonly folder: string },
): Promise<Recognised> {
  const path = join(task.folder, "page");
  await writeFile(path, picture);
  const languages = task.languages.map(({ code }) => code).join("+");
  try {
    const { stdout } = await run(task.program, [path, "stdout", "-l", languages, "tsv"], {
      maxBuffer: maxOutputBytes,
      // One page at a time: several threads of it gain little and take the cores of others.
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", OMP_THREAD_LIMIT: "1" },
    });
    return readWords(stdout);
  } catch (error) {
    throw new MethodFailure("file_damaged", "the picture can't be read", error);
  } finally {
    await rm(path);
  }
}
