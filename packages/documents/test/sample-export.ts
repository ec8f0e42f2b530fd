import type { Analysis, Document } from "@millrace/contracts";
import type { Exported } from "../src/export/read-exported.ts";

const madePart = {
  state: "done" as const,
  reason: null,
  error_code: null,
  model: "openai-compatible:fake",
  extractive: false,
  prompts: [],
  coverage: 1,
  started_at: null,
  finished_at: null,
  rerun: null,
};

const analysis: Analysis = {
  document_id: "0199aaaa-0000-7000-8000-000000000001",
  summary: { ...madePart, result: { text: "The wheel turns." } },
  key_points: { ...madePart, result: { points: ["Water drives it.", "It is\nold."] } },
  sentiment: { ...madePart, result: { label: "negative", score: -0.5, evidence: ["It is loud."] } },
  topics: {
    ...madePart,
    state: "failed",
    reason: "The model was away.",
    error_code: "model_unavailable",
    model: null,
    result: null,
  },
  completion_percentage: 75,
  is_complete: false,
};

const document: Document = {
  id: analysis.document_id,
  title: "The mill",
  file_name: "mill.pdf",
  file_type: "pdf",
  file_size: 1200,
  content_hash: "00",
  status: "partial",
  language: "en",
  page_count: 2,
  text_length: 22,
  extraction_method: "pdfjs",
  warnings: [],
  processing_error: null,
  processing_error_code: null,
  processing_started_at: "2026-11-01T10:00:00.000Z",
  processing_completed_at: "2026-11-01T10:00:09.000Z",
  created_at: "2026-11-01T10:00:00.000Z",
  updated_at: "2026-11-01T10:00:09.000Z",
  job_id: null,
  progress: null,
  put_off: null,
  tags: [],
  collections: [],
  duplicate_of: null,
  trashed_at: null,
  purge_at: null,
  parts: { summary: "done", key_points: "done", sentiment: "done", topics: "failed" },
  links: { self: "", analysis: "", text: "", logs: "", events: "" },
};

/** A document on its way out, with what a test wants otherwise. */
export function sampleExported(
  changes: Partial<Document> = {},
  parts: { readonly text?: string | null; readonly fileKey?: string } = {},
): Exported {
  const { text = "The wheel turns again.", fileKey = null } = parts;
  return { document: { ...document, ...changes }, analysis, fileKey, readText: async () => text };
}

/** One after another, as they come from the database. */
export async function* inTurn(...documents: readonly Exported[]): AsyncGenerator<Exported> {
  yield* documents;
}
