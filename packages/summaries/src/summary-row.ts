import { isSummaryOver } from "@millrace/contracts";
import type { Summary, SummaryState } from "@millrace/contracts";
import { toJob } from "@millrace/queue";
import type { JobRecord } from "@millrace/queue";

/** A row of `summary` as lists read it: with the beginning of its text. */
export type SummaryRow = {
  readonly id: string;
  readonly workspace_id: string;
  readonly title: string;
  readonly excerpt: string;
  readonly text_length: number;
  readonly text_hash: string;
  readonly language: string | null;
  readonly text_language: string | null;
  readonly state: SummaryState;
  readonly result: string | null;
  readonly model: string | null;
  readonly extractive: boolean;
  readonly coverage: number | null;
  readonly prompts: string[];
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost: number | null;
  readonly reused_from: string | null;
  /** Null: all of the text agrees. */
  readonly reused_score: number | null;
  readonly error: string | null;
  readonly error_code: string | null;
  readonly job_id: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
};

/** A summary as the API shows it, with the progress of the job that makes it. */
export function toSummary(row: SummaryRow, job: JobRecord | undefined): Summary {
  const self = `/api/summaries/${row.id}`;
  return {
    id: row.id,
    title: row.title,
    state: row.state,
    // The database may cut between the halves of a character.
    excerpt: row.excerpt.toWellFormed(),
    text_length: row.text_length,
    text_hash: row.text_hash,
    language: row.language,
    text_language: row.text_language,
    result: row.result,
    model: row.model,
    extractive: row.extractive,
    prompts: row.prompts,
    coverage: row.coverage,
    usage:
      row.state === "completed"
        ? { input_tokens: row.input_tokens, output_tokens: row.output_tokens, cost: row.cost }
        : null,
    reused_from:
      row.reused_from === null ? null : { summary_id: row.reused_from, score: row.reused_score ?? 1 },
    error: row.error,
    error_code: row.error_code,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    job_id: row.job_id,
    progress: job === undefined || isSummaryOver(row.state) ? null : toJob(job).progress,
    put_off: job === undefined ? null : toJob(job).put_off,
    links: { self, events: `${self}/events`, cancel: `${self}/cancel` },
  };
}
