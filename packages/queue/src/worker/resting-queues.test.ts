import { expect, it } from "vitest";
import { RestingQueues } from "./resting-queues.ts";

function create() {
  const clock = { ms: 1_000 };
  return { clock, queues: new RestingQueues(() => clock.ms) };
}
const blocked = () => Promise.resolve(true);

it("lets a queue rest for as long as looking in vain was dear", async () => {
  const { clock, queues } = create();

  await queues.lookedInVain("a", 200, blocked);

  clock.ms += 3_999;
  expect(queues.restMs("a")).toBe(1);
  expect(queues.restMs("b")).toBe(0);
  clock.ms += 1;
  expect(queues.restMs("a")).toBe(0);
});

it("never rests longer than 30 seconds", async () => {
  const { clock, queues } = create();

  await queues.lookedInVain("a", 60_000, blocked);

  clock.ms += 30_000;
  expect(queues.restMs("a")).toBe(0);
});

it("does not rest after a slow look at a queue that nothing blocks, nor after a quick one", async () => {
  const { queues } = create();

  await queues.lookedInVain("slow", 5_000, () => Promise.resolve(false));
  await queues.lookedInVain("quick", 5, () => Promise.reject(new Error("must not be asked")));

  expect(queues.restMs("slow")).toBe(0);
  expect(queues.restMs("quick")).toBe(0);
});
