import { isSettled } from "@millrace/contracts";
import type { RecognisedPage } from "@millrace/extract";
import { isMillraceError } from "@millrace/kernel";
import { cancelThisJob, forgetInput, handleTask, wakeJob } from "@millrace/queue";
import type { AnyTaskHandler, JobContext } from "@millrace/queue";
import { z } from "zod";
import { jobSuperseded } from "../errors.ts";
import { readWarnings, storeText } from "../write-documents.ts";
import { mergePages } from "./merge-pages.ts";
import type { PageReading } from "./merge-pages.ts";
import { unpackPassword } from "./packed-password.ts";
import type { ProcessParts, Recognition } from "./process-task.ts";
import { lockForProcessing, readForProcessing, readStoredText } from "./read-for-processing.ts";
import type { ProcessedDocument } from "./read-for-processing.ts";
import { recognitionProgress } from "./recognition-progress.ts";
import { recogniseText } from "./recognise-task.ts";
import type { RecogniseInput, RecogniseOutput } from "./recognise-task.ts";

const readingSchema = z.object({
  page: z.int(),
  text: z.string(),
  confidence: z.number(),
  engine: z.enum(["tesseract.js", "tesseract"]).nullable(),
  problem: z.string().nullable(),
});

/**
 * Recognises the text of pages that are pictures, each page a step, and puts it into the stored text. The job
 * that processes the document goes on when this has ended.
 */
export function handleRecogniseText(
  parts: ProcessParts & { readonly recognition: Recognition },
): AnyTaskHandler {
  return handleTask({
    task: recogniseText,
    run: (context) => run(parts, context),
    onRetry: async (scope, { jobId, input }) => {
      const document = await lockForProcessing(scope.transaction, input.document_id);
      if (!isAwaited(document, input) || document?.trashed_at !== null) throw jobSuperseded(jobId);
    },
    onEnd: async (scope, { jobId, input }) => {
      if (input.password !== undefined) await forgetInput(scope, jobId, ["password"]);
      await wakeJob(scope, input.job_id);
    },
  });
}

/** Of a document that has ended without it nobody would index the text, and places in the old one would be wrong. */
function isAwaited(document: ProcessedDocument | undefined, { job_id: jobId }: RecogniseInput): boolean {
  return document !== undefined && document.job_id === jobId && !isSettled(document.status);
}

type Parts = ProcessParts & { readonly recognition: Recognition };

async function run(parts: Parts, context: JobContext<RecogniseInput>): Promise<RecogniseOutput> {
  const { input } = context;
  const document = await readForProcessing(parts.database.queryable, input.document_id);
  if (document === undefined || document.file_key === null) throw cancelThisJob("The document was deleted.");
  const path = await parts.files.locate(document.file_key);
  const password = unpackPassword(input.password);
  const readings: PageReading[] = [];
  for (const [index, page] of input.pages.entries()) {
    const reading = await context.step(
      `page/${page}`,
      (signal) => readPage(parts.recognition, { path, document, page, password, signal }),
      {
        output: readingSchema,
        record: async (scope) => {
          if (!isAwaited(await readForProcessing(scope.transaction, document.id), input)) return;
          const data = { ...recognitionProgress(index + 1, input.pages.length), eta_seconds: null };
          const event = { type: "document.progressed", data };
          const stream = `document:${document.id}`;
          await parts.appendEvents(scope, [{ stream, owner: document.workspace_id, ...event }]);
        },
      },
    );
    readings.push(reading);
    context.progress({
      ...recognitionProgress(index + 1, input.pages.length),
      percent: (100 * (index + 1)) / input.pages.length,
    });
  }
  return await context.step("merge", () => store(parts, context, document, readings));
}

/** What is so for all pages. */
const codesOfAll = new Set(["ocr_language_missing", "pdf_encrypted", "pdf_password_wrong"]);

/** A page that can't be read is told of, and does not cost the others. */
async function readPage(
  { recogniser }: Recognition,
  of: {
    readonly path: string;
    readonly document: ProcessedDocument;
    readonly page: number;
    readonly password: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<PageReading> {
  const { document, ...rest } = of;
  const { page, signal } = rest;
  try {
    const fileType = document.file_type ?? "pdf";
    const read: RecognisedPage = await recogniser.recognisePage({ ...rest, fileType });
    return { page, ...read, problem: null };
  } catch (error) {
    const isOfPage = isMillraceError(error) && !error.retryable && !codesOfAll.has(error.code);
    if (signal.aborted || !isOfPage) throw error;
    return { page, text: "", confidence: 0, engine: null, problem: error.message };
  }
}

async function store(
  parts: Parts,
  context: JobContext<RecogniseInput>,
  document: ProcessedDocument,
  readings: readonly PageReading[],
): Promise<RecogniseOutput> {
  const { queryable } = parts.database;
  const before = await readStoredText(queryable, document.id);
  const merged = mergePages(before, readings, context.input.left_out);
  const { code } = await parts.models.detectLanguage(merged.text, context.signal);
  const warnings = await readWarnings(queryable, document.id);
  const engines = [...new Set(readings.flatMap(({ engine }) => engine ?? []))];
  await context.transaction(async (scope) => {
    const current = await lockForProcessing(scope.transaction, document.id);
    if (!isAwaited(current, context.input))
      throw cancelThisJob("The document has ended, or another job has taken it over.");
    await storeText(scope.transaction, document.id, {
      ...merged,
      fileType: document.file_type ?? "pdf",
      method: [...(document.file_type === "image" ? [] : [before.method]), ...engines].join(", "),
      language: code,
      warnings: [...warnings.filter((warning) => warning.code !== "pages_without_text"), ...merged.warnings],
      title: null,
    });
  });
  for (const warning of merged.warnings) context.log("info", warning.message);
  return { recognised: readings.filter(({ text }) => text !== "").length, text_length: merged.text.length };
}
