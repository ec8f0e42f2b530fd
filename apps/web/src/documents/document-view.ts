import type { Analysis, Document, DocumentSnapshot, Job } from "@millrace/contracts";

/** A planned new attempt: the last one failed, or was put off. */
export type PlannedRetry = {
  /** That failed; null when nothing did. */
  readonly attempt: number | null;
  readonly error: string;
  readonly retryAt: string;
};

/** Everything a page shows of one document; fed by requests, snapshots and events alike. */
export type DocumentView = {
  readonly document: Document;
  readonly analysis: Analysis;
  readonly job: Job | null;
  readonly plannedRetry: PlannedRetry | null;
  /** Number of the last event in this state; 0 when it came by request. */
  readonly seq: number;
};

export function viewFromSnapshot(snapshot: DocumentSnapshot, seq: number): DocumentView {
  return { ...snapshot, plannedRetry: plannedRetryOf(snapshot.job), seq };
}

export function viewFromRequests(document: Document, analysis: Analysis): DocumentView {
  return { document, analysis, job: null, plannedRetry: null, seq: 0 };
}

function plannedRetryOf(job: Job | null): PlannedRetry | null {
  if (job?.display_state !== "retrying") return null;
  return {
    attempt: job.attempt,
    error: job.error?.message ?? "The last attempt failed.",
    retryAt: job.run_at,
  };
}
