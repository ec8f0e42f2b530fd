import { describe, expect, it } from "vitest";
import { Slots } from "./slots.ts";

/** What each queue may take when `busy` run. */
function free(slots: Slots, queues: readonly string[], busy: readonly string[]): number[] {
  for (const queue of busy) slots.take(queue);
  return queues.map((queue) => slots.freeFor(queue, slots.count - slots.busy));
}

const many = (queue: string, count: number): string[] => Array.from({ length: count }, () => queue);

describe("the slots of a worker", () => {
  it("keep one for each of several queues when there are many", () => {
    const queues = ["chat", "batch"];

    expect(free(new Slots(queues, 10), queues, many("batch", 9))).toEqual([1, 0]);
    expect(free(new Slots(queues, 10), queues, [...many("batch", 8), "chat"])).toEqual([1, 1]);
  });

  it("keep none by themselves when there are few, or for one queue", () => {
    const queues = ["chat", "batch"];

    expect(free(new Slots(queues, 7), queues, many("batch", 6))).toEqual([1, 1]);
    expect(free(new Slots(["chat"], 10), ["chat"], [])).toEqual([10]);
  });

  it("keep as many as somebody wants", () => {
    const queues = ["chat", "batch", "mail"];
    const slots = new Slots(queues, 4, { chat: 2, batch: 0 });

    expect(free(slots, queues, ["batch", "mail"])).toEqual([2, 0, 0]);
  });

  it("give back what is left, and follow a change of their number", () => {
    const queues = ["chat", "batch"];
    const slots = new Slots(queues, 4, { chat: 2 });
    expect(free(slots, queues, ["batch", "batch"])).toEqual([2, 0]);

    slots.leave("batch");
    expect(free(slots, queues, [])).toEqual([3, 1]);
    slots.resize(2);
    expect(free(slots, queues, [])).toEqual([1, 1]);
  });
});
