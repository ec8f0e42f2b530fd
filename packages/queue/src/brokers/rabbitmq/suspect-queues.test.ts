import { expect, it } from "vitest";
import { SuspectQueues } from "./suspect-queues.ts";

const minuteMs = 60_000;

it("has a queue replaced that did not answer four times in a row", () => {
  const suspects = new SuspectQueues({ replaceEveryMs: minuteMs });
  suspects.add("chat");

  const decisions = [0, 1, 2, 3].map((nowMs) => suspects.isToBeReplaced("chat", nowMs));

  expect(decisions).toEqual([false, false, false, true]);
});

it("begins to count again when a queue answered in between", () => {
  const suspects = new SuspectQueues({ replaceEveryMs: minuteMs });
  suspects.add("chat");
  for (const nowMs of [0, 1, 2]) suspects.isToBeReplaced("chat", nowMs);

  suspects.clear("chat");
  suspects.add("chat");

  expect(suspects.isToBeReplaced("chat", 3)).toBe(false);
});

it("begins to count again when the server served nobody", () => {
  const suspects = new SuspectQueues({ replaceEveryMs: minuteMs });
  suspects.add("chat");
  for (const nowMs of [0, 1, 2]) suspects.isToBeReplaced("chat", nowMs);

  suspects.excuse();

  expect(suspects.isToBeReplaced("chat", 3)).toBe(false);
  expect(suspects.has("chat")).toBe(true);
});

it("replaces a queue that does not get well once a minute at most", () => {
  const suspects = new SuspectQueues({ replaceEveryMs: minuteMs });
  suspects.add("chat");
  for (const nowMs of [0, 1, 2, 3]) suspects.isToBeReplaced("chat", nowMs);

  const later = [1000, minuteMs, minuteMs + 3].map((nowMs) => suspects.isToBeReplaced("chat", nowMs));

  expect(later).toEqual([false, false, true]);
});

it("remembers when a queue was replaced that answered since", () => {
  const suspects = new SuspectQueues({ replaceEveryMs: minuteMs });
  suspects.add("chat");
  for (const nowMs of [0, 1, 2, 3]) suspects.isToBeReplaced("chat", nowMs);
  suspects.clear("chat");
  suspects.add("chat");

  const again = [1000, 2000, 3000, 4000].map((nowMs) => suspects.isToBeReplaced("chat", nowMs));

  expect(again).toEqual([false, false, false, false]);
});

it("counts each queue by itself", () => {
  const suspects = new SuspectQueues({ replaceEveryMs: minuteMs });
  suspects.add("chat");
  suspects.add("batch");
  for (const nowMs of [0, 1, 2, 3]) suspects.isToBeReplaced("chat", nowMs);

  expect(suspects.isToBeReplaced("batch", 4)).toBe(false);
});
