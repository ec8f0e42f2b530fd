import type { ExtractedText } from "@millrace/extract";
import type { JobContext } from "@millrace/queue";
import { storeText } from "../write-documents.ts";
import type { ExtractedRow } from "../write-documents.ts";
import type { ProcessInput, ProcessParts } from "./process-task.ts";
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
  context.progress({ percent: firstPercent, stage: "text_extraction", message: "Reading the text" });
  let extracted: ExtractedRow | undefined;
  await context.step(
    "extract",
    async () => {
      const read = await readText(parts, context, document);
      const detected = await parts.models.detectLanguage(read.text, context.signal);
      extracted = { ...read, title: titleIn(read), language: detected.code };
      describe(context, extracted);
      return { text_length: read.text.length };
    },
    {
      record: async (scope) => {
        if (extracted !== undefined) await storeText(scope.transaction, document.id, extracted);
      },
    },
  );
  context.progress({ percent: lastPercent, stage: "text_extraction", message: "The text is read" });
}

type ReadText = Pick<ExtractedText, "text" | "pages" | "fileType" | "method" | "warnings" | "title">;

async function readText(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  document: ProcessedDocument,
): Promise<ReadText> {
  if (document.file_key === null) {
    const stored = await readStoredText(parts.database.queryable, document.id);
    return { ...stored, fileType: "text", method: "pasted", warnings: [], title: null };
  }
  return await parts.extractor.extract({
    path: await parts.files.locate(document.file_key),
    fileName: document.file_name,
    ...(document.file_type === null ? {} : { declaredType: document.file_type }),
    signal: context.signal,
    onProgress: ({ done, total, unit }) => {
      const share = total === 0 ? 0 : done / total;
      const percent = firstPercent + share * (lastPercent - firstPercent);
      context.progress({ percent, done, total, unit, message: `Reading page ${done} of ${total}` });
    },
  });
}

/** Pages and Markdown say what they are called; what PDF and DOCX say is often left from a template. */
function titleIn(read: ReadText): string | null {
  const isReliable = read.fileType === "html" || read.fileType === "markdown";
  const title = isReliable ? read.title?.replace(/\s+/g, " ").trim().slice(0, 255) : undefined;
  return title === undefined || title === "" ? null : title;
}

function describe(context: JobContext<ProcessInput>, row: ExtractedRow): void {
  const pages = row.pages.length > 0 ? ` on ${row.pages.length} pages` : "";
  const how = row.method === "pasted" ? "" : `, read with ${row.method}`;
  context.log("info", `${row.text.length.toLocaleString("en")} characters${pages}${how}`);
  for (const warning of row.warnings) context.log("warning", warning.message);
}
