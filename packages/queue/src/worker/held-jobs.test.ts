import { expect, it } from "vitest";
import { processMs } from "./heartbeat-messages.ts";
import type { ToBeater } from "./heartbeat-messages.ts";
import { HeldJobs } from "./held-jobs.ts";

it("tells a new thread how long ago a beat landed, not how long ago a job was claimed", async () => {
  const told: ToBeater[] = [];
  const held = new HeldJobs((message) => void told.push(message));
  held.hold([{ id: "a", fence: 1 }], 0);
  const claimedMs = processMs();
  await expect.poll(() => processMs() - claimedMs).toBeGreaterThan(50);
  held.landed(processMs());
  held.hold([{ id: "b", fence: 2 }], 0);

  held.tellAll();

  const message = told.at(-1);
  expect(message).toMatchObject({ kind: "hold", ids: ["a", "b"], fences: [1, 2] });
  expect(message?.kind === "hold" && Math.max(...message.agesMs)).toBeLessThan(50);
});

it("counts the age of a claim from when it was sent, also for a new thread", () => {
  const told: ToBeater[] = [];
  const held = new HeldJobs((message) => void told.push(message));

  held.hold([{ id: "a", fence: 1 }], 20_000);
  held.tellAll();

  const ages = told.flatMap((message) => (message.kind === "hold" ? message.agesMs : []));
  expect(ages).toHaveLength(2);
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(20_000);
});

it("tells at once of many that have ended, so that a beat is for few of them", () => {
  const told: ToBeater[] = [];
  const held = new HeldJobs((message) => void told.push(message));
  const jobs = Array.from({ length: 1_000 }, (_none, nth) => ({ id: `job ${nth}`, fence: 1 }));
  held.hold(jobs, 0);
  told.length = 0;

  for (const job of jobs.slice(1)) held.release(job);
  expect(told).toEqual([]);
  held.release({ id: "job 0", fence: 1 });

  expect(told).toMatchObject([{ kind: "release", ids: [...jobs.slice(1), jobs[0]].map((job) => job?.id) }]);
});
