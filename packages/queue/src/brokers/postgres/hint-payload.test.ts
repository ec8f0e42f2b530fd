import { expect, it } from "vitest";
import { formatHint, parseHint } from "./hint-payload.ts";

it("reads back the sender and the queue", () => {
  expect(parseHint(formatHint("a-process", "chat"))).toEqual({ sender: "a-process", queue: "chat" });
});

it("takes the name of a queue alone as a hint of nobody", () => {
  expect(parseHint("chat")).toEqual({ sender: "", queue: "chat" });
});
