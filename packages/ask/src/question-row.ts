import { isQuestionOver } from "@millrace/contracts";
import type { Citation, NearestPassage, Question, QuestionState } from "@millrace/contracts";
import { toJob } from "@millrace/queue";
import type { JobRecord } from "@millrace/queue";

/** Where to look; null for everywhere. */
export type QuestionScope = {
  readonly document_ids: string[] | null;
  readonly filters: Question["filters"];
};

/** A row of `question`. */
export type QuestionRow = {
  readonly id: string;
  readonly workspace_id: string;
  readonly question: string;
  readonly scope: QuestionScope;
  readonly state: QuestionState;
  readonly outcome: Question["outcome"];
  readonly answer: string | null;
  readonly partial_answer: string | null;
  readonly citations: Citation[];
  readonly removed_citations: number;
  readonly nearest: NearestPassage[];
  readonly passages_read: number | null;
  readonly model: string | null;
  readonly extractive: boolean;
  readonly prompts: string[];
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost: number | null;
  readonly error: string | null;
  readonly error_code: string | null;
  readonly job_id: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
};

/** A question as the API shows it, with the progress of the job that answers it. */
export function toQuestion(row: QuestionRow, job: JobRecord | undefined): Question {
  const self = `/api/ask/${row.id}`;
  const { input_tokens, output_tokens, cost } = row;
  return {
    id: row.id,
    question: row.question,
    ...row.scope,
    state: row.state,
    outcome: row.outcome,
    answer: row.answer,
    partial_answer: row.partial_answer,
    citations: row.citations,
    removed_citations: row.removed_citations,
    nearest: row.nearest,
    passages_read: row.passages_read,
    model: row.model,
    extractive: row.extractive,
    prompts: row.prompts,
    usage: row.state === "completed" ? { input_tokens, output_tokens, cost } : null,
    error: row.error,
    error_code: row.error_code,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    job_id: row.job_id,
    progress: job === undefined || isQuestionOver(row.state) ? null : toJob(job).progress,
    put_off: job === undefined ? null : toJob(job).put_off,
    links: { self, events: `${self}/events`, cancel: `${self}/cancel` },
  };
}
