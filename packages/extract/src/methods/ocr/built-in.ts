import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createWorker } from "tesseract.js";
import type { Worker } from "tesseract.js";
import { MethodFailure } from "../method-failure.ts";
import type { OcrLanguage } from "../method.ts";
import type { Recognised } from "./recognise-page.ts";

let current: { readonly languages: string; readonly worker: Promise<Worker> } | undefined;

/** Reads a picture with tesseract.js. Its data comes from files here; nothing is fetched. */
export async function recogniseBuiltIn(
  picture: Uint8Array,
  languages: readonly OcrLanguage[],
  folder: string,
): Promise<Recognised> {
  const worker = await openWorker(languages, folder);
  const { data } = await worker.recognize(Buffer.from(picture)).catch((error: unknown) => {
    throw new MethodFailure("file_damaged", "the picture can't be decoded", error);
  });
  return { text: data.text, confidence: data.confidence };
}

/** Kept for the next page: loading a language takes longer than many a page. */
async function openWorker(languages: readonly OcrLanguage[], folder: string): Promise<Worker> {
  const named = languages.map(({ code }) => code).join("+");
  if (current?.languages !== named) {
    const before = current;
    current = { languages: named, worker: startWorker(languages, folder) };
    await (await before?.worker)?.terminate();
  }
  return await current.worker;
}

/** The engine looks for all languages in one folder, each compressed: that of the child. */
async function startWorker(languages: readonly OcrLanguage[], folder: string): Promise<Worker> {
  const files = languages.map(({ code }) => join(folder, `${code}.traineddata.gz`));
  for (const [index, { path }] of languages.entries()) {
    const data = await readFile(path);
    const isCompressed = data[0] === 0x1f && data[1] === 0x8b;
    await writeFile(files[index] ?? "", isCompressed ? data : gzipSync(data));
  }
  const worker = await createWorker(
    languages.map(({ code }) => code),
    1,
    // What a picture does to the engine is the outcome of its page, not an error of the process.
    { langPath: folder, gzip: true, cacheMethod: "none", errorHandler: () => undefined },
  );
  // They are in its memory now.
  for (const file of files) await rm(file);
  return worker;
}
