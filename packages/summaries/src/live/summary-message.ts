import { summaryEventSchemas } from "@millrace/contracts";
import type { Summary, SummaryMessage } from "@millrace/contracts";
import type { StoredEvent } from "@millrace/queue";

/** The summary that messages are about. `excerpt`: how its text begins. */
export type Told = Pick<Summary, "id" | "excerpt">;

/** So much of a text names it, as in the article. */
const nameCharacters = 10;

/** How a summary stands, in one message. `seq` is the number of the last event that is part of it. */
export function stateMessage(summary: Summary, seq: number): SummaryMessage {
  const about = { id: summary.id, seq };
  switch (summary.state) {
    case "queued":
      return { status: "starting", message: `Received: ${nameOf(summary)}`, ...about };
    case "processing":
      return { status: "processing", message: `Started processing: ${nameOf(summary)}`, ...about };
    case "completed":
      return { status: "done", message: summary.result ?? "", ...about };
    case "failed":
      return failure(about, summary.error ?? "It failed.", summary.error_code ?? "internal_error");
    case "cancelled":
      return failure(about, "The work on this summary was cancelled.", "cancelled");
  }
}

/**
 * The message that an event becomes; undefined for one that this protocol has no word for, such as a piece of text
 * or a kind that only a newer worker knows.
 */
export function toSummaryMessage(told: Told, event: StoredEvent): SummaryMessage | undefined {
  const about = { id: told.id, seq: event.seq };
  switch (event.type) {
    case "summary.queued":
      return { status: "starting", message: `Received: ${nameOf(told)}`, ...about };
    case "summary.started":
      return { status: "processing", message: `Started processing: ${nameOf(told)}`, ...about };
    case "summary.progressed": {
      const parsed = summaryEventSchemas["summary.progressed"].safeParse(event.data);
      const message = parsed.data?.message ?? undefined;
      return message === undefined ? undefined : { status: "processing", message, ...about };
    }
    case "summary.found":
      return { status: "info", message: "Found a summary of the same text.", ...about };
    case "summary.retry_scheduled": {
      const parsed = summaryEventSchemas["summary.retry_scheduled"].safeParse(event.data);
      if (!parsed.success) return undefined;
      const { attempt, error, retry_in_seconds: seconds } = parsed.data;
      const message = `Attempt ${attempt} failed: ${error} Trying again in ${Math.ceil(seconds)} s.`;
      return { status: "info", message, ...about };
    }
    case "summary.put_off": {
      const parsed = summaryEventSchemas["summary.put_off"].safeParse(event.data);
      if (!parsed.success) return undefined;
      const { error, retry_in_seconds: seconds } = parsed.data;
      return { status: "info", message: `It waits ${Math.ceil(seconds)} s: ${error}`, ...about };
    }
    case "summary.completed": {
      const parsed = summaryEventSchemas["summary.completed"].safeParse(event.data);
      return parsed.success ? { status: "done", message: parsed.data.result, ...about } : undefined;
    }
    case "summary.failed": {
      const parsed = summaryEventSchemas["summary.failed"].safeParse(event.data);
      return parsed.success ? failure(about, parsed.data.error, parsed.data.error_code) : undefined;
    }
    case "summary.cancelled": {
      const parsed = summaryEventSchemas["summary.cancelled"].safeParse(event.data);
      return parsed.success ? failure(about, parsed.data.message, "cancelled") : undefined;
    }
    default:
      return undefined;
  }
}

/** Whether the work on a summary ends with this event. */
export function endsSummary({ type }: Pick<StoredEvent, "type">): boolean {
  return type === "summary.completed" || type === "summary.failed" || type === "summary.cancelled";
}

function failure(about: Pick<SummaryMessage, "id" | "seq">, message: string, code: string): SummaryMessage {
  return { status: "error", message, ...about, error_code: code };
}

function nameOf({ excerpt }: Pick<Summary, "excerpt">): string {
  return `${excerpt.slice(0, nameCharacters).toWellFormed()}...`;
}
