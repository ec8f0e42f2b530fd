import { documentEventSchemas } from "@millrace/contracts";
import type { DocumentSnapshot, DocumentStatus } from "@millrace/contracts";
import type { StoredEvent } from "@millrace/queue";

/** What `/ws/documents/<id>/` sends. `seq` is the number of the event told of. */
export type ArticleMessage =
  | {
      readonly type: "document_status";
      readonly document_id: string;
      readonly status: DocumentStatus;
      readonly title: string;
      readonly file_type: string | null;
      readonly created_at: string;
      readonly job_status: string | null;
      readonly progress: number;
      readonly started_at: string | null;
      readonly completed_at: string | null;
      readonly text_extraction_completed: boolean;
      readonly ai_analysis_completed: boolean;
      readonly seq: number;
    }
  | {
      readonly type: "processing_update";
      readonly document_id: string;
      readonly status: DocumentStatus;
      readonly progress: number;
      readonly message: string;
      readonly step: string;
      readonly timestamp: string;
      readonly seq: number;
    }
  | {
      readonly type: "processing_complete";
      readonly document_id: string;
      readonly status: "completed" | "partial";
      readonly results: { readonly text_length: number; readonly analysis_complete: boolean };
      readonly timestamp: string;
      readonly seq: number;
    }
  | {
      readonly type: "processing_error";
      readonly document_id: string;
      readonly error: string;
      readonly error_code: string;
      readonly timestamp: string;
      readonly seq: number;
    }
  | {
      readonly type: "processing_cancelled";
      readonly document_id: string;
      readonly message: string;
      readonly timestamp: string;
      readonly seq: number;
    };

/** What the next message repeats when its event does not say it. */
export type ArticleState = {
  readonly documentId: string;
  readonly status: DocumentStatus;
  readonly progress: number;
  readonly message: string;
  readonly step: string;
};

type Change = Partial<Omit<ArticleState, "documentId">>;

/** Where a client without an earlier number begins. */
export function stateOfSnapshot({ document, job }: DocumentSnapshot): ArticleState {
  const progress = document.progress ?? job?.progress;
  return {
    documentId: document.id,
    status: document.status,
    progress: percentOf({ document, job }),
    message: progress?.message ?? "",
    step: progress?.stage ?? "initialization",
  };
}

/** Where a replay begins: what came before it is not known here, so progress counts from 0. */
export function stateBeforeReplay(documentId: string): ArticleState {
  return { documentId, status: "processing", progress: 0, message: "", step: "initialization" };
}

/** The message that tells everything of a document at the given number. */
export function statusMessage(snapshot: DocumentSnapshot, seq: number): ArticleMessage {
  const { document, analysis, job } = snapshot;
  return {
    type: "document_status",
    document_id: document.id,
    status: document.status,
    title: document.title,
    file_type: document.file_type,
    created_at: document.created_at,
    job_status: job?.display_state ?? null,
    progress: percentOf(snapshot),
    started_at: document.processing_started_at,
    completed_at: document.processing_completed_at,
    text_extraction_completed: document.text_length !== null,
    ai_analysis_completed: analysis.is_complete,
    seq,
  };
}

/**
 * The one message that an event becomes, and the state after it. Every event becomes exactly one, so
 * that a client can tell from the numbers that nothing is missing; types and data not known here
 * (a newer worker's) repeat the present state.
 */
export function toArticleMessage(
  state: ArticleState,
  event: StoredEvent,
): { readonly state: ArticleState; readonly message: ArticleMessage } {
  const ending = endingOf(state, event);
  if (ending !== undefined) return ending;
  const next = { ...state, ...changeOf(state, event) };
  return {
    state: next,
    message: {
      type: "processing_update",
      document_id: next.documentId,
      status: next.status,
      progress: next.progress,
      message: next.message,
      step: next.step,
      timestamp: event.at,
      seq: event.seq,
    },
  };
}

function endingOf(state: ArticleState, event: StoredEvent) {
  const about = { document_id: state.documentId, timestamp: event.at, seq: event.seq };
  if (event.type === "document.completed") {
    const parsed = documentEventSchemas["document.completed"].safeParse(event.data);
    if (!parsed.success) return undefined;
    const { status, ...results } = parsed.data;
    return {
      state: { ...state, status, progress: 100, step: "finalization" },
      message: { type: "processing_complete", ...about, status, results },
    } as const;
  }
  if (event.type === "document.failed") {
    const parsed = documentEventSchemas["document.failed"].safeParse(event.data);
    if (!parsed.success) return undefined;
    return {
      state: { ...state, status: "failed" },
      message: { type: "processing_error", ...about, ...parsed.data },
    } as const;
  }
  if (event.type === "document.cancelled") {
    const parsed = documentEventSchemas["document.cancelled"].safeParse(event.data);
    if (!parsed.success) return undefined;
    return {
      state: { ...state, status: "cancelled" },
      message: { type: "processing_cancelled", ...about, message: parsed.data.message },
    } as const;
  }
  return undefined;
}

function changeOf(state: ArticleState, event: StoredEvent): Change {
  switch (event.type) {
    case "document.queued": {
      const parsed = documentEventSchemas["document.queued"].safeParse(event.data);
      if (!parsed.success) return {};
      return { status: "processing", progress: 0, message: parsed.data.message, step: "initialization" };
    }
    case "document.progressed": {
      const parsed = documentEventSchemas["document.progressed"].safeParse(event.data);
      if (!parsed.success) return {};
      const { percent, stage, message } = parsed.data;
      return {
        status: "processing",
        progress: percent,
        message: message ?? state.message,
        step: stage ?? state.step,
      };
    }
    case "document.logged": {
      const parsed = documentEventSchemas["document.logged"].safeParse(event.data);
      if (!parsed.success) return {};
      return { message: parsed.data.message, step: parsed.data.step ?? state.step };
    }
    case "document.part_changed": {
      const parsed = documentEventSchemas["document.part_changed"].safeParse(event.data);
      if (!parsed.success) return {};
      const { part, state: partState, reason } = parsed.data;
      const message = `${part}: ${partState}${reason === null ? "" : ` (${reason})`}`;
      return { message, step: "ai_analysis" };
    }
    case "document.retry_scheduled": {
      const parsed = documentEventSchemas["document.retry_scheduled"].safeParse(event.data);
      if (!parsed.success) return {};
      const { attempt, error, retry_in_seconds: seconds } = parsed.data;
      return {
        status: "processing",
        message: `Attempt ${attempt} failed: ${error} Trying again in ${Math.ceil(seconds)} s.`,
      };
    }
    case "document.put_off": {
      const parsed = documentEventSchemas["document.put_off"].safeParse(event.data);
      if (!parsed.success) return {};
      const { error, retry_in_seconds: seconds } = parsed.data;
      return { status: "processing", message: `It waits ${Math.ceil(seconds)} s: ${error}` };
    }
    default:
      return {};
  }
}

function percentOf({ document, job }: Pick<DocumentSnapshot, "document" | "job">): number {
  if (document.status === "completed" || document.status === "partial") return 100;
  return document.progress?.percent ?? job?.progress.percent ?? 0;
}
