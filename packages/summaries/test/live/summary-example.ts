import { summarySchema } from "@millrace/contracts";
import type { Summary } from "@millrace/contracts";

const createdAt = "2026-11-21T09:00:00.000Z";

/** A summary in the middle of being made. */
export function summaryExample(id: string): Summary {
  return summarySchema.parse({
    id,
    title: "The mill",
    state: "processing",
    excerpt: "The mill stands by the river.",
    text_length: 29,
    text_hash: "0".repeat(64),
    language: null,
    text_language: null,
    result: null,
    model: null,
    extractive: false,
    prompts: [],
    coverage: null,
    usage: null,
    reused_from: null,
    error: null,
    error_code: null,
    created_at: createdAt,
    updated_at: createdAt,
    started_at: createdAt,
    finished_at: null,
    job_id: "01900000-0000-7000-8000-00000000000a",
    progress: null,
    put_off: null,
    links: { self: "", events: "", cancel: "" },
  });
}
