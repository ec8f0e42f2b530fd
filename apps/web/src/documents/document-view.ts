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
  return { ...snapshot, plannedRetry: plannedRetryOf(snapshot.document), seq };
}

export function viewFromRequests(document: Document, analysis: Analysis): DocumentView {
  return { document, analysis, job: null, plannedRetry: plannedRetryOf(document), seq: 0 };
}

export function plannedRetryOf({ put_off: putOff }: Document): PlannedRetry | null {
  if (putOff === null) return null;
  return { attempt: putOff.failed_attempt, error: putOff.message, retryAt: putOff.until };
}
