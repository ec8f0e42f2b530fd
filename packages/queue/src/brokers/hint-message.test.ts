import { parseJson } from "@millrace/kernel";
import { expect, it } from "vitest";
import { formatHintMessage, parseHintMessage } from "./hint-message.ts";

it("writes the fields of the contract", () => {
  const message = formatHintMessage({
    queue: "chat",
    count: 3,
    jobIds: ["a"],
    task: "chat.answer",
    priority: 9,
  });

  expect(parseJson(message.toString())).toEqual({
    queue: "chat",
    count: 3,
    job_ids: ["a"],
    task: "chat.answer",
    priority: 9,
  });
});

it.each([
  { queue: "chat", count: 3, jobIds: ["a"], task: "chat.answer", priority: 9 },
  { queue: "chat", count: 1, jobIds: [] },
])("reads what it has written: %j", (hint) => {
  expect(parseHintMessage(formatHintMessage(hint))).toEqual(hint);
});

it("reads the hint of a newer version, and one with the queue alone", () => {
  expect(parseHintMessage(Buffer.from('{"queue":"chat","flavour":{"new":1}}'))).toEqual({
    queue: "chat",
    count: 1,
    jobIds: [],
  });
});

it("has room for the largest hint", () => {
  const jobIds = Array.from({ length: 20 }, () => "x".repeat(36));
  const hint = {
    queue: "q".repeat(63),
    count: 1e15,
    jobIds,
    task: `t${"x".repeat(119)}`,
    priority: 1e9,
  };

  expect(parseHintMessage(formatHintMessage(hint))).toEqual(hint);
});

it.each([
  ["nothing", ""],
  ["bytes", "\u0000\u00ff"],
  ["text that is no JSON", "chat"],
  ["null", "null"],
  ["a list", "[]"],
  ["no queue", '{"count":1}'],
  ["a queue that can't be", '{"queue":"../chat"}'],
  ["a count that can't be", '{"queue":"chat","count":-1}'],
  ["ids that are none", '{"queue":"chat","job_ids":[{}]}'],
  ["too much", `{"queue":"chat","note":"${"x".repeat(20_000)}"}`],
])("takes for no hint: %s", (_what, text) => {
  expect(parseHintMessage(Buffer.from(text))).toBeUndefined();
});
