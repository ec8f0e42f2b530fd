import { expect, it } from "vitest";
import { workerName } from "./worker-name.ts";

it.each([
  ["w1@%h", "w1@mill.example.org"],
  ["%n-chat", "mill-chat"],
  ["chat@%d", "chat@example.org"],
  ["100%%", "100%"],
  ["plain", "plain"],
  ["50%x", "50%x"],
])("reads %s as %s", (pattern, name) => {
  expect(workerName(pattern, "mill.example.org")).toBe(name);
});

it("leaves nothing of a domain that a machine does not have", () => {
  expect(workerName("w@%n%d", "mill")).toBe("w@mill");
});
