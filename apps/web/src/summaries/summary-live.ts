import type { Summary } from "@millrace/contracts";
import { flag, number, text } from "../crews/event-fields.ts";
import type { TopicEvent } from "../live/watched-topic.ts";

/** Whether nothing is being done for a summary. */
export function isOver({ state }: Pick<Summary, "state">): boolean {
  return state !== "queued" && state !== "processing";
}

/** What the events of a summary have told of the work on it. */
export type SummaryNews = {
  /** What is being done. */
  readonly message: string | undefined;
  readonly percent: number;
  /** The summary as far as the model has written it. */
  readonly written: string;
};

export const noSummaryNews: SummaryNews = { message: undefined, percent: 0, written: "" };

/** `isChanged`: what the API says of the summary is no longer what it said. */
export function applySummaryEvents(
  news: SummaryNews,
  events: readonly TopicEvent[],
): { readonly news: SummaryNews; readonly isChanged: boolean } {
  return {
    news: events.reduce(applyEvent, news),
    isChanged: events.some(({ type }) => changing.has(type)),
  };
}

const changing: ReadonlySet<string> = new Set([
  "summary.queued",
  "summary.started",
  "summary.put_off",
  "summary.retry_scheduled",
  "summary.completed",
  "summary.failed",
  "summary.cancelled",
]);

function applyEvent(news: SummaryNews, { type, data }: TopicEvent): SummaryNews {
  switch (type) {
    // What an attempt wrote is void when another begins.
    case "summary.queued":
    case "summary.started":
    // Why and until when: the API says it.
    case "summary.put_off":
    case "summary.retry_scheduled":
      return noSummaryNews;
    case "summary.progressed":
      return {
        ...news,
        percent: number(data.percent) ?? news.percent,
        message: text(data.message) ?? news.message,
      };
    case "crew.text_written": {
      const piece = text(data.text) ?? "";
      return { ...news, written: flag(data.reset) ? piece : news.written + piece };
    }
    default:
      return news;
  }
}
