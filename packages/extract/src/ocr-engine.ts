import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { ocrLanguageMissing } from "./errors.ts";
import type { OcrLanguage } from "./methods/method.ts";
import type { OcrSettings } from "./settings.ts";

/** What reads the pictures of this process. */
export type Engine = {
  /** The path of the system's `tesseract`, where it is used. */
  readonly program: string | undefined;
  readonly languages: readonly OcrLanguage[];
  /** Whether the built-in engine has all languages, too. */
  readonly hasData: boolean;
};

/** Found by fixed paths: a search path may lead to anything. */
const programPaths = ["/usr/bin/tesseract", "/usr/local/bin/tesseract", "/opt/homebrew/bin/tesseract"];

const run = promisify(execFile);

/** The engine that the settings want and that is there. Throws `ocr_language_missing` when none has the languages. */
export async function chooseEngine(
  settings: OcrSettings,
  paths: readonly string[] = programPaths,
): Promise<Engine> {
  const codes = settings.OCR_LANGUAGES.split("+");
  const found = await Promise.all(
    codes.map(async (code) => ({ code, path: await findData(code, settings) })),
  );
  const missing = found.filter(({ path }) => path === undefined).map(({ code }) => code);
  const languages = found.map(({ code, path }) => ({ code, path: path ?? "" }));
  const program = settings.OCR_ENGINE === "builtin" ? undefined : await findProgram(codes, paths);
  if (program === undefined && (missing.length > 0 || settings.OCR_ENGINE === "system")) {
    throw ocrLanguageMissing(missing.length > 0 ? missing : codes);
  }
  return { program, languages, hasData: missing.length === 0 };
}

async function findProgram(codes: readonly string[], paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const known = await run(path, ["--list-langs"], { timeout: 10_000 }).then(
      ({ stdout, stderr }) => `${stdout}\n${stderr}`.split("\n").map((line) => line.trim()),
      // It is not installed, or does not run: then it is not used.
      (): string[] => [],
    );
    if (codes.every((code) => known.includes(code))) return path;
  }
  return undefined;
}

/** The small data of the npm package: as good as the large and a quarter of its size. */
async function findData(code: string, { OCR_DATA_DIR }: OcrSettings): Promise<string | undefined> {
  const candidates = [
    ...(OCR_DATA_DIR === undefined
      ? []
      : [`${code}.traineddata`, `${code}.traineddata.gz`].map((name) => resolve(OCR_DATA_DIR, name))),
    ...packagedData(code),
  ];
  for (const path of candidates) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

function packagedData(code: string): readonly string[] {
  try {
    const entry = createRequire(import.meta.url).resolve(`@tesseract.js-data/${code}/package.json`);
    return [join(entry, "..", "4.0.0_best_int", `${code}.traineddata.gz`)];
  } catch {
    // The package of this language is not installed.
    return [];
  }
}
