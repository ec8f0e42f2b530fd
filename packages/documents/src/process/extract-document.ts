import { noTextFound } from "@millrace/extract";
import type { ExtractedText } from "@millrace/extract";
import type { JobContext } from "@millrace/queue";
import { z } from "zod";
import { storeText } from "../write-documents.ts";
import type { ExtractedRow } from "../write-documents.ts";
import { awaitRecognition } from "./await-recognition.ts";
import type { ProcessInput, ProcessParts } from "./process-task.ts";
import { unpackPassword } from "./packed-password.ts";
import { readStoredText } from "./read-for-processing.ts";
import type { ProcessedDocument } from "./read-for-processing.ts";

/** The share of the whole that a person sees while text is extracted. */
const firstPercent = 20;
const lastPercent = 50;

/**
 * Bytes to text, once: the text is stored in the transaction that records the step. Pasted text is
 * stored already; of it only the language is found out.
 */
export async function extractDocument(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  document: ProcessedDocument,
): Promise<void> {
  let extracted: ExtractedRow | undefined;
  const { pages_without_text: pages = [] } = await context.step(
    "extract",
    async () => {
      context.progress({ percent: firstPercent, stage: "text_extraction", message: "Reading the text" });
      const read = await readText(parts, context, document);
      const detected = await parts.models.detectLanguage(read.text, context.signal);
      extracted = { ...read, title: titleIn(read), language: detected.code };
      describe(context, extracted);
      return { text_length: read.text.length, pages_without_text: read.pagesWithoutText };
    },
    {
      output: extractedSchema,
      record: async (scope) => {
        if (extracted !== undefined) await storeText(scope.transaction, document.id, extracted);
      },
    },
  );
  const { recognition } = parts;
  if (recognition !== undefined && pages.length > 0) {
    await awaitRecognition({ ...parts, recognition }, context, { document, pages });
    const { text } = await readStoredText(parts.database.queryable, document.id);
    if (!/[\p{L}\p{N}]/u.test(text)) throw noTextFound(true);
  }
  context.progress({ percent: lastPercent, stage: "text_extraction", message: "The text is read" });
}

/** Jobs of before there was recognition did not record the pages. */
const extractedSchema = z.object({
  text_length: z.int(),
  pages_without_text: z.array(z.int()).readonly().optional(),
});

type ReadText = Pick<
  ExtractedText,
  "pagesWithoutText" | "text" | "pages" | "fileType" | "method" | "warnings" | "title"
>;

async function readText(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  document: ProcessedDocument,
): Promise<ReadText> {
  if (document.file_key === null) {
    const stored = await readStoredText(parts.database.queryable, document.id);
    return { ...stored, fileType: "text", method: "pasted", warnings: [], title: null, pagesWithoutText: [] };
  }
  const path = await parts.files.locate(document.file_key);
  const doubts = (await parts.virusScanner?.scan(path, context.signal)) ?? [];
  const extracted = await parts.extractor.extract({
    path,
    fileName: document.file_name,
    ...(document.file_type === null ? {} : { declaredType: document.file_type }),
    password: unpackPassword(context.input.password),
    allowsPictures: parts.recognition !== undefined,
    signal: context.signal,
    onProgress: ({ done, total, unit }) => {
      const share = total === 0 ? 0 : done / total;
      const percent = firstPercent + share * (lastPercent - firstPercent);
      context.progress({ percent, done, total, unit, message: `Reading page ${done} of ${total}` });
    },
  });
  return { ...extracted, warnings: [...doubts, ...extracted.warnings] };
}

/** Pages, Markdown and mail say what they are called; what PDF and DOCX say is often left from a template. */
function titleIn(read: ReadText): string | null {
  const isReliable = ["html", "markdown", "eml"].includes(read.fileType);
  const title = isReliable ? read.title?.replace(/\s+/g, " ").trim().slice(0, 255) : undefined;
  return title === undefined || title === "" ? null : title;
}

function describe(context: JobContext<ProcessInput>, row: ExtractedRow): void {
  const pages = row.pages.length > 0 ? ` on ${row.pages.length} pages` : "";
  const how = row.method === "pasted" ? "" : `, read with ${row.method}`;
  context.log("info", `${row.text.length.toLocaleString("en")} characters${pages}${how}`);
  for (const warning of row.warnings) context.log("warning", warning.message);
}
