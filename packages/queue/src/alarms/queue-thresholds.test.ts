import { describe, expect, it } from "vitest";
import { parseQueueThresholds, thresholdOf } from "./queue-thresholds.ts";

describe("thresholds by queue", () => {
  it("are those of the queue itself, else of the longest beginning that fits", () => {
    const thresholds = parseQueueThresholds("*:1000, mail_*:50,mail_urgent*:7,mail_slow:off,chat:10");

    const of = (queue: string) => thresholdOf(thresholds, queue);

    expect(["chat", "chats", "mail_x", "mail_urgent_x", "mail_slow"].map(of)).toEqual([
      10,
      1000,
      50,
      7,
      Infinity,
    ]);
  });

  it("are infinite where none is given", () => {
    expect(thresholdOf(parseQueueThresholds("chat:10"), "mail")).toBe(Infinity);
  });

  it.each([
    "",
    "chat",
    "chat:",
    "chat:ten",
    "chat:0",
    "chat:-1",
    ":5",
    "a*b:5",
    "chat:1,chat:2",
    "chat:1,",
    "Chat:1",
  ])("can't be %j", (text) => {
    expect(() => parseQueueThresholds(text)).toThrowError(
      expect.objectContaining({ code: "invalid_queue_thresholds" }),
    );
  });
});
