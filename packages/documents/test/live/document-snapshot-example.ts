import { documentSnapshotSchema } from "@millrace/contracts";
import type { DocumentSnapshot } from "@millrace/contracts";

const createdAt = "2026-11-20T09:00:00.000Z";
const startedAt = "2026-11-20T09:00:01.000Z";

/** A document in the middle of its processing. */
export function documentSnapshot(id: string): DocumentSnapshot {
  const progress = {
    percent: 35,
    stage: "text_extraction",
    message: "Reading page 3",
    done: 3,
    total: 9,
    unit: "pages",
    eta_seconds: null,
  };
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
  };
  const jobId = "01900000-0000-7000-8000-00000000000a";
  return documentSnapshotSchema.parse({
    document: {
      id,
      title: "Report",
      file_name: "report.pdf",
      file_type: "pdf",
      file_size: 1_000,
      content_hash: "0".repeat(64),
      status: "processing",
      language: "en",
      page_count: 9,
      text_length: 1_200,
      extraction_method: "pdf_text",
      warnings: [],
      processing_error: null,
      processing_error_code: null,
      processing_started_at: startedAt,
      processing_completed_at: null,
      created_at: createdAt,
      updated_at: startedAt,
      job_id: jobId,
      progress,
      tags: [],
      collections: [],
      put_off: null,
      duplicate_of: null,
      trashed_at: null,
      purge_at: null,
      parts: { summary: "pending", key_points: "pending", sentiment: "pending", topics: "pending" },
      links: { self: "", analysis: "", text: "", logs: "", events: "" },
    },
    analysis: {
      document_id: id,
      summary: part,
      key_points: part,
      sentiment: part,
      topics: part,
      completion_percentage: 0,
      is_complete: false,
    },
    job: {
      id: jobId,
      task: "documents.process",
      queue: "documents",
      state: "running",
      display_state: "running",
      reason: null,
      priority: 5,
      attempt: 1,
      max_attempts: 4,
      crash_count: 0,
      parent_id: null,
      workflow_id: null,
      run_at: createdAt,
      created_at: createdAt,
      started_at: startedAt,
      finished_at: null,
      progress,
      error: null,
      put_off: null,
      waiting_for: null,
      links: { self: "", events: "", cancel: "", retry: "", answer: "" },
    },
  });
}
