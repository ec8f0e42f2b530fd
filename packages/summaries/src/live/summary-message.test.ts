import { summaryMessageSchema } from "@millrace/contracts";
import type { SummaryMessage } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { toSummaryMessage } from "./summary-message.ts";

const id = "01900000-0000-7000-8000-00000000000a";
const told = { id, excerpt: "The mill stands by the river." };

function messageOf(type: string, data: Record<string, unknown> = {}): SummaryMessage | undefined {
  return toSummaryMessage(told, { stream: `summary:${id}`, seq: 7, type, data, at: "2026-11-21T10:00:00Z" });
}

describe("the article's messages", () => {
  it.each([
    ["summary.queued", {}, "starting", "Received: The mill s..."],
    ["summary.started", {}, "processing", "Started processing: The mill s..."],
    [
      "summary.progressed",
      { percent: 10, stage: null, message: "Read stretch 1 of 2" },
      "processing",
      "Read stretch 1 of 2",
    ],
    ["summary.found", {}, "info", "Found a summary of the same text."],
    [
      "summary.retry_scheduled",
      { attempt: 1, error: "It is away.", error_code: "model_unreachable", retry_in_seconds: 2.2 },
      "info",
      "Attempt 1 failed: It is away. Trying again in 3 s.",
    ],
    [
      "summary.put_off",
      { error: "No budget is left.", error_code: "budget_exceeded", retry_in_seconds: 900 },
      "info",
      "It waits 900 s: No budget is left.",
    ],
    ["summary.completed", { result: "A mill.", model: "m", extractive: false }, "done", "A mill."],
    ["summary.cancelled", { message: "Cancelled." }, "error", "Cancelled."],
  ])("tell of %s", (type, data, status, message) => {
    expect(summaryMessageSchema.parse(messageOf(type, data))).toMatchObject({ status, message, id, seq: 7 });
  });

  it("tell why it failed, with the code", () => {
    const message = messageOf("summary.failed", { error: "No.", error_code: "model_unauthorized" });

    expect(message).toEqual({
      status: "error",
      message: "No.",
      id,
      seq: 7,
      error_code: "model_unauthorized",
    });
  });

  it.each(["crew.text_written", "summary.logged", "summary.something_new"])("leave out %s", (type) => {
    expect(messageOf(type)).toBeUndefined();
  });

  it("leave out what has another shape than known here", () => {
    expect(messageOf("summary.completed", { text: "A mill." })).toBeUndefined();
  });
});
