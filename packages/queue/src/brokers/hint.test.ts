import { expect, it } from "vitest";
import { bareHint, hintsOf, mergeHints } from "./hint.ts";

it("gathers jobs that became ready together into one hint a queue", () => {
  const hints = hintsOf([
    { id: "a", queue: "chat", task: "chat.answer", priority: 5 },
    { id: "b", queue: "mail", task: "mail.send" },
    { id: "c", queue: "chat", task: "chat.title", priority: 9 },
  ]);

  expect(hints).toEqual([
    { queue: "chat", count: 2, jobIds: ["a", "c"], task: "chat.answer", priority: 9 },
    { queue: "mail", count: 1, jobIds: ["b"], task: "mail.send" },
  ]);
});

it("names twenty jobs at most and counts all", () => {
  const jobs = Array.from({ length: 50 }, (_, nth) => ({ id: `${nth}`, queue: "chat", task: "t" }));

  const [hint] = hintsOf(jobs);

  expect(hint).toMatchObject({ count: 50, jobIds: jobs.slice(0, 20).map(({ id }) => id) });
});

it("keeps what one of two hints knows", () => {
  const known = { queue: "chat", count: 3, jobIds: ["a"], task: "t", priority: 0 };

  expect(mergeHints(bareHint("chat"), known)).toEqual({ ...known, count: 4 });
});
