import type { LogLine, PartName, PartState, Progress } from "@millrace/contracts";
import type { TopicEvent } from "../live/watched-topic.ts";
import { readLogLine } from "../logs/log-lines-of-events.ts";
import type { DocumentView } from "./document-view.ts";
import { partNames } from "./parts.ts";

/** What a batch of events asks for beyond the state that the events carry themselves. */
export type EventOutcome = {
  readonly view: DocumentView;
  readonly logLines: readonly LogLine[];
  /** A part's result is new: only the API has it. */
  readonly needsAnalysis: boolean;
  /** The work ended, or began anew: times, counts and texts changed on the server. */
  readonly needsRefetch: boolean;
};

/**
 * Applies events in order. Events that the snapshot already contains (their number is not above the
 * view's) only add their log lines. Unknown types are left for newer pages.
 */
export function applyDocumentEvents(view: DocumentView, events: readonly TopicEvent[]): EventOutcome {
  let outcome: EventOutcome = { view, logLines: [], needsAnalysis: false, needsRefetch: false };
  for (const event of events) {
    const line = readLogLine(event);
    if (line !== undefined) outcome = { ...outcome, logLines: [...outcome.logLines, line] };
    if (event.seq === null || event.seq <= outcome.view.seq) continue;
    outcome = applyOne(outcome, event);
    outcome = { ...outcome, view: { ...outcome.view, seq: event.seq } };
  }
  return outcome;
}

function applyOne(outcome: EventOutcome, event: TopicEvent): EventOutcome {
  const { view } = outcome;
  switch (event.type) {
    case "document.queued":
      return { ...outcome, needsRefetch: true, view: withDocument(view, event, { status: "uploaded" }) };
    case "document.progressed":
      return { ...outcome, view: withProgress(view, event) };
    case "document.part_changed":
      return withPart(outcome, event);
    case "document.part_rerun":
      // What ended may have made a document whole that was not.
      return event.data.state === "done"
        ? { ...outcome, needsRefetch: true }
        : { ...outcome, needsAnalysis: true };
    case "document.put_off":
    case "document.retry_scheduled":
      return { ...outcome, view: withPlannedRetry(view, event) };
    case "document.completed":
      return {
        ...outcome,
        needsRefetch: true,
        view: withDocument(view, event, {
          status: event.data.status === "partial" ? "partial" : "completed",
          progress: null,
        }),
      };
    case "document.failed":
      return {
        ...outcome,
        needsRefetch: true,
        view: withDocument(view, event, {
          status: "failed",
          processing_error: text(event.data.error),
          processing_error_code: text(event.data.error_code),
        }),
      };
    case "document.cancelled":
      return { ...outcome, needsRefetch: true, view: withDocument(view, event, { status: "cancelled" }) };
    default:
      return outcome;
  }
}

function withDocument(
  view: DocumentView,
  event: TopicEvent,
  changes: Partial<DocumentView["document"]>,
): DocumentView {
  return {
    ...view,
    plannedRetry: null,
    document: { ...view.document, ...changes, updated_at: event.at },
  };
}

function withProgress(view: DocumentView, event: TopicEvent): DocumentView {
  const { data } = event;
  const progress: Progress = {
    percent: number(data.percent) ?? view.document.progress?.percent ?? 0,
    stage: text(data.stage),
    message: text(data.message),
    done: number(data.done),
    total: number(data.total),
    unit: text(data.unit),
    eta_seconds: number(data.eta_seconds),
  };
  return withDocument(view, event, { status: "processing", progress });
}

function withPart(outcome: EventOutcome, event: TopicEvent): EventOutcome {
  const { part, state } = event.data;
  const { view } = outcome;
  if (!isPartName(part) || !isPartState(state)) return outcome;
  const changed = { state, reason: text(event.data.reason) };
  const analysis = { ...view.analysis, [part]: { ...view.analysis[part], ...changed } };
  const parts = { ...view.document.parts, [part]: state };
  return {
    ...outcome,
    needsAnalysis: outcome.needsAnalysis || state === "done" || state === "failed" || state === "unavailable",
    view: { ...view, analysis, document: { ...view.document, parts, updated_at: event.at } },
  };
}

function withPlannedRetry(view: DocumentView, event: TopicEvent): DocumentView {
  const waitMs = (number(event.data.retry_in_seconds) ?? 0) * 1000;
  return {
    ...view,
    plannedRetry: {
      attempt: number(event.data.attempt),
      error: text(event.data.error) ?? "The last attempt failed.",
      retryAt: new Date(Date.parse(event.at) + waitMs).toISOString(),
    },
  };
}

const partStates: Record<PartState, true> = {
  pending: true,
  running: true,
  done: true,
  failed: true,
  unavailable: true,
};

function isPartName(value: unknown): value is PartName {
  return partNames.some((name) => name === value);
}

function isPartState(value: unknown): value is PartState {
  return typeof value === "string" && value in partStates;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
