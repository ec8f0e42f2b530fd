import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { createExtractor } from "@millrace/extract";
import type { Extractor } from "@millrace/extract";
import { createLogger, errorCode, parseJson, toError } from "@millrace/kernel";
import { z } from "zod";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import { readWithPdftotext } from "./pdftotext.ts";
import { wordAgreement } from "./word-agreement.ts";

/** What became of one file. */
export type FileResult = {
  readonly name: string;
  /** The ending of its name; the type by content where it could be read. */
  readonly format: string;
  readonly bytes: number;
  readonly milliseconds: number;
  /** The most memory that a child had while it read the file, over all methods; 0 where the system does not tell. */
  readonly peakBytes: number;
  readonly methods: readonly string[];
  readonly outcome:
    | {
        readonly ok: true;
        readonly method: string;
        readonly characters: number;
        readonly warnings: readonly string[];
      }
    | { readonly ok: false; readonly code: string; readonly message: string };
  /** Of the words, with `pdftotext`: 1 is the same. Undefined for other formats, and where it is not installed. */
  readonly agreement: number | undefined;
};

/** Reads every file of a folder, one after another, as uploads are read. */
export async function extractFolder(options: {
  readonly folder: string;
  readonly limit: number;
  readonly say: (line: string) => void;
}): Promise<FileResult[]> {
  const files = await chooseFiles(options.folder, options.limit);
  return await withTemporaryFolder(async (tempDirectory) => {
    const attempts = new AttemptLog();
    const extractor = createExtractor({
      logger: createLogger({ level: "debug", name: "bench", destination: attempts }),
      tempDirectory,
      concurrency: 1,
    });
    try {
      const results: FileResult[] = [];
      for (const [index, file] of files.entries()) {
        const result = await extractOne(extractor, attempts, options.folder, file);
        results.push(result);
        const end = result.outcome.ok ? result.outcome.method : result.outcome.code;
        options.say(
          `${index + 1}/${files.length} ${result.name}: ${end}, ${Math.round(result.milliseconds)} ms`,
        );
      }
      return results;
    } finally {
      await extractor.stop();
    }
  });
}

async function extractOne(
  extractor: Extractor,
  attempts: AttemptLog,
  folder: string,
  file: string,
): Promise<FileResult> {
  const { size } = await stat(file);
  attempts.clear();
  const startedMs = performance.now();
  const read = await extractor.extract({ path: file, fileName: path.basename(file) }).catch(toError);
  const milliseconds = performance.now() - startedMs;
  const seen = { name: path.relative(folder, file), bytes: size, milliseconds, ...attempts.summary() };
  if (read instanceof Error) {
    const outcome = { ok: false, code: errorCode(read), message: read.message } as const;
    return { ...seen, format: endingOf(file), outcome, agreement: undefined };
  }
  const outcome = {
    ok: true,
    method: read.method,
    characters: read.text.length,
    warnings: read.warnings.map(({ code }) => code),
  } as const;
  const reference = read.fileType === "pdf" ? await readWithPdftotext(file) : undefined;
  const agreement = reference === undefined ? undefined : wordAgreement(read.text, reference);
  return { ...seen, format: read.fileType, outcome, agreement };
}

/** Takes the extractor's log lines and keeps what they say of attempts. */
class AttemptLog {
  readonly #attempts: { readonly method: string; readonly peakBytes: number }[] = [];

  write(line: string): void {
    const attempt = attemptSchema.safeParse(parseJson(line));
    if (attempt.success) this.#attempts.push(attempt.data);
  }

  clear(): void {
    this.#attempts.length = 0;
  }

  summary(): { readonly methods: readonly string[]; readonly peakBytes: number } {
    return {
      methods: this.#attempts.map(({ method }) => method),
      peakBytes: Math.max(0, ...this.#attempts.map(({ peakBytes }) => peakBytes)),
    };
  }
}

const attemptSchema = z.object({ method: z.string(), peakBytes: z.number() });

/** Files in the folder and below it, at most `limit` of each ending, evenly spread. */
async function chooseFiles(folder: string, limit: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const groups = [...Map.groupBy(files.toSorted(), endingOf).values()];
  return groups.flatMap((group) => {
    const step = Math.max(1, group.length / limit);
    return group.filter((_file, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
  });
}

function endingOf(file: string): string {
  return path.extname(file).slice(1).toLowerCase() || "(none)";
}
