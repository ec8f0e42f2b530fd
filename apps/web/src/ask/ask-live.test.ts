import { describe, expect, it } from "vitest";
import type { TopicEvent } from "../live/watched-topic.ts";
import { applyQuestionEvents, noQuestionNews } from "./ask-live.ts";

let seq = 0;

function event(type: string, data: Readonly<Record<string, unknown>> = {}): TopicEvent {
  seq += 1;
  return { t: "ev", topic: "ask:1", seq, type, data: { ...data }, at: "2026-11-21T12:00:00Z" };
}

const written = (text: string, reset = false) => event("ask.text_written", { text, reset });

describe("the work on a question", () => {
  it("shows what is done and what is written", () => {
    const { news, isChanged } = applyQuestionEvents(noQuestionNews, [
      event("ask.progressed", { percent: 30, message: "Reading 3 passages" }),
      written("Pieter ", true),
      written("did [1]"),
    ]);

    expect(news).toEqual({ percent: 30, message: "Reading 3 passages", written: "Pieter did [1]" });
    expect(isChanged).toBe(false);
  });

  it.each([written("Pieter", true), event("ask.started"), event("ask.put_off")])(
    "does not double what was written before: $type",
    (again) => {
      const { news } = applyQuestionEvents({ ...noQuestionNews, written: "Piet" }, [again]);

      expect(news.written).not.toContain("PietP");
      expect(["", "Pieter"]).toContain(news.written);
    },
  );

  it("is asked for anew when it is over", () => {
    expect(applyQuestionEvents(noQuestionNews, [event("ask.completed")]).isChanged).toBe(true);
  });
});
