import type { Analysis, Document, DocumentStatus, FileType, PartName, PartState } from "@millrace/contracts";
import {
  keyPointsResultSchema,
  partNames,
  sentimentResultSchema,
  summaryResultSchema,
  topicsResultSchema,
} from "@millrace/contracts";
import { toJob } from "@millrace/queue";
import type { JobRecord } from "@millrace/queue";
import { z } from "zod";
import type { RerunRow } from "./rerun/rerun-rows.ts";

/** A row of `document`, as read. */
export type DocumentRow = {
  readonly id: string;
  readonly workspace_id: string;
  readonly title: string;
  readonly file_name: string | null;
  readonly file_type: FileType | null;
  readonly file_size: number;
  readonly content_hash: string;
  readonly file_key: string | null;
  readonly status: DocumentStatus;
  readonly language: string | null;
  readonly page_count: number | null;
  readonly text_length: number | null;
  readonly extraction_method: string | null;
  readonly warnings: { code: string; message: string }[];
  readonly processing_error: string | null;
  readonly processing_error_code: string | null;
  readonly processing_started_at: Date | null;
  readonly processing_completed_at: Date | null;
  readonly indexed_at: Date | null;
  readonly job_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  /** State by part, from `document_part`. */
  readonly parts: Record<PartName, PartState>;
  readonly tags: string[];
  readonly collections: { id: string; name: string }[];
  /** The document that it repeats, as long as that is to be seen. */
  readonly shown_duplicate_of: string | null;
  readonly trashed_at: Date | null;
  readonly purge_at: Date | null;
};

/** A row of `document_part`. */
export type PartRow = {
  readonly part: PartName;
  readonly state: PartState;
  readonly result: unknown;
  readonly reason: string | null;
  readonly error_code: string | null;
  readonly model: string | null;
  readonly extractive: boolean;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
};

/** A document as the API shows it, with the progress of the job that works on it. */
export function toDocument(row: DocumentRow, job: JobRecord | undefined): Document {
  const self = `/api/documents/${row.id}`;
  return {
    id: row.id,
    title: row.title,
    file_name: row.file_name,
    file_type: row.file_type,
    file_size: row.file_size,
    content_hash: row.content_hash,
    status: row.status,
    language: row.language,
    page_count: row.page_count,
    text_length: row.text_length,
    extraction_method: row.extraction_method,
    warnings: row.warnings,
    processing_error: row.processing_error,
    processing_error_code: row.processing_error_code,
    processing_started_at: row.processing_started_at?.toISOString() ?? null,
    processing_completed_at: row.processing_completed_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    job_id: row.job_id,
    progress: job === undefined ? null : toJob(job).progress,
    put_off: job === undefined ? null : toJob(job).put_off,
    tags: row.tags,
    collections: row.collections,
    duplicate_of: row.shown_duplicate_of,
    trashed_at: row.trashed_at?.toISOString() ?? null,
    purge_at: row.purge_at?.toISOString() ?? null,
    parts: row.parts,
    links: {
      self,
      analysis: `${self}/analysis`,
      text: `${self}/text`,
      logs: `${self}/logs`,
      events: `${self}/events`,
    },
  };
}

/** The four parts with their results, validated: a stored result of another shape is not passed on. */
export function toAnalysis(
  documentId: string,
  rows: readonly PartRow[],
  reruns: readonly RerunRow[] = [],
): Analysis {
  const byPart = new Map(rows.map((row) => [row.part, row]));
  const finished = rows.filter(({ state }) => state === "done" || state === "unavailable").length;
  const base = (part: PartName) => ({
    ...partBase(byPart.get(part)),
    rerun: toRerun(reruns.find((rerun) => rerun.part === part)),
  });
  const result = (part: PartName): unknown => byPart.get(part)?.result ?? null;
  return {
    document_id: documentId,
    summary: { ...base("summary"), result: summaryResultSchema.nullable().parse(result("summary")) },
    key_points: {
      ...base("key_points"),
      result: keyPointsResultSchema.nullable().parse(result("key_points")),
    },
    sentiment: { ...base("sentiment"), result: sentimentResultSchema.nullable().parse(result("sentiment")) },
    topics: { ...base("topics"), result: topicsResultSchema.nullable().parse(result("topics")) },
    completion_percentage: (finished * 100) / partNames.length,
    is_complete: finished === partNames.length,
  };
}

function toRerun(row: RerunRow | undefined): Analysis["summary"]["rerun"] {
  if (row === undefined) return null;
  const { state, model, job_id, reason, error_code } = row;
  return { state, model, job_id, reason, error_code, started_at: row.started_at.toISOString() };
}

/** How a result was made is kept with it; results of older versions do not say. */
const madeBySchema = z.object({
  made_by: z.object({ prompts: z.array(z.string()), coverage: z.number() }),
});

function partBase(row: PartRow | undefined) {
  const made = madeBySchema.safeParse(row?.result).data?.made_by;
  return {
    state: row?.state ?? "pending",
    reason: row?.reason ?? null,
    error_code: row?.error_code ?? null,
    model: row?.model ?? null,
    extractive: row?.extractive ?? false,
    prompts: made?.prompts ?? [],
    coverage: made?.coverage ?? null,
    started_at: row?.started_at?.toISOString() ?? null,
    finished_at: row?.finished_at?.toISOString() ?? null,
  };
}
