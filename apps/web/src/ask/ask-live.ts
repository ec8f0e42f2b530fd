import type { Question } from "@millrace/contracts";
import { flag, number, text } from "../crews/event-fields.ts";
import type { TopicEvent } from "../live/watched-topic.ts";

/** Whether nothing is being done for a question. */
export function isOver({ state }: Pick<Question, "state">): boolean {
  return state !== "queued" && state !== "processing";
}

/** What the events of a question have told of the work on it. */
export type QuestionNews = {
  /** What is being done. */
  readonly message: string | undefined;
  readonly percent: number;
  /** The answer as far as the model has written it, unchecked. */
  readonly written: string;
};

export const noQuestionNews: QuestionNews = { message: undefined, percent: 0, written: "" };

/** `isChanged`: what the API says of the question is no longer what it said. */
export function applyQuestionEvents(
  news: QuestionNews,
  events: readonly TopicEvent[],
): { readonly news: QuestionNews; readonly isChanged: boolean } {
  return {
    news: events.reduce(applyEvent, news),
    isChanged: events.some(({ type }) => changing.has(type)),
  };
}

const changing: ReadonlySet<string> = new Set([
  "ask.queued",
  "ask.started",
  "ask.put_off",
  "ask.retry_scheduled",
  "ask.completed",
  "ask.failed",
  "ask.cancelled",
]);

function applyEvent(news: QuestionNews, { type, data }: TopicEvent): QuestionNews {
  switch (type) {
    // What an attempt wrote is void when another begins.
    case "ask.queued":
    case "ask.started":
    // Why and until when: the API says it.
    case "ask.put_off":
    case "ask.retry_scheduled":
      return noQuestionNews;
    case "ask.progressed":
      return {
        ...news,
        percent: number(data.percent) ?? news.percent,
        message: text(data.message) ?? news.message,
      };
    case "ask.text_written": {
      const piece = text(data.text) ?? "";
      return { ...news, written: flag(data.reset) ? piece : news.written + piece };
    }
    default:
      return news;
  }
}
