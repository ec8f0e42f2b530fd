import type { Analysis, Document } from "@millrace/contracts";

const part = {
  state: "pending",
  reason: null,
  error_code: null,
  model: null,
  extractive: false,
  prompts: [],
  coverage: 1,
  started_at: null,
  finished_at: null,
  rerun: null,
  result: null,
} satisfies Analysis["summary"];

/** A document for tests: stored, nothing done yet. */
export function testDocument(changes: Partial<Document> = {}): Document {
  return {
    id: "0199f6a0-0000-7000-8000-000000000001",
    title: "Q3 report",
    file_name: "q3.pdf",
    file_type: "pdf",
    file_size: 120_000,
    content_hash: "ab12",
    status: "uploaded",
    language: null,
    page_count: null,
    text_length: null,
    extraction_method: null,
    warnings: [],
    processing_error: null,
    processing_error_code: null,
    processing_started_at: null,
    processing_completed_at: null,
    created_at: "2026-11-20T12:00:00Z",
    updated_at: "2026-11-20T12:00:00Z",
    job_id: null,
    progress: null,
    put_off: null,
    tags: [],
    collections: [],
    duplicate_of: null,
    trashed_at: null,
    purge_at: null,
    parts: { summary: "pending", key_points: "pending", sentiment: "pending", topics: "pending" },
    links: { self: "", analysis: "", text: "", logs: "", events: "" },
    ...changes,
  };
}

/** An analysis for tests: nothing done yet. */
export function testAnalysis(changes: Partial<Analysis> = {}): Analysis {
  return {
    document_id: "0199f6a0-0000-7000-8000-000000000001",
    summary: part,
    key_points: part,
    sentiment: part,
    topics: part,
    completion_percentage: 0,
    is_complete: false,
    ...changes,
  };
}
