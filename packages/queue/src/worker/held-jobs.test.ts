import { expect, it } from "vitest";
import { processMs } from "./heartbeat-messages.ts";
import type { ToBeater } from "./heartbeat-messages.ts";
import { HeldJobs } from "./held-jobs.ts";

type Hold = Extract<ToBeater, { kind: "hold" }>;

function open(): { readonly held: HeldJobs; readonly told: ToBeater[]; readonly holds: () => Hold[] } {
  const told: ToBeater[] = [];
  const held = new HeldJobs((message) => void told.push(message));
  return { held, told, holds: () => told.filter((message) => message.kind === "hold") };
}

it("tells a new thread how long ago a beat landed, not how long ago a job was claimed", async () => {
  const { held, told, holds } = open();
  held.hold([{ id: "a", fence: 1 }], 0);
  const claimedMs = processMs();
  await expect.poll(() => processMs() - claimedMs).toBeGreaterThan(50);
  held.landed(processMs());
  held.hold([{ id: "b", fence: 2 }], 0);
  told.length = 0;

  held.tellAll();

  expect(told).toMatchObject([
    { kind: "hold", ids: "a", fences: undefined },
    { kind: "hold", ids: "b", fences: [2] },
  ]);
  expect(Math.max(...holds().map(({ ageMs }) => ageMs))).toBeLessThan(50);
});

it("counts the age of a claim from when it was sent, also for a new thread", () => {
  const { held, holds } = open();

  held.hold([{ id: "a", fence: 1 }], 20_000);
  held.tellAll();

  const ages = holds().map(({ ageMs }) => ageMs);
  expect(ages).toHaveLength(2);
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(20_000);
});

it("tells of a claim that is over with the next one, and of no job of it", () => {
  const { held, told } = open();
  held.hold(
    ["a", "b"].map((id) => ({ id, fence: 1 })),
    0,
  );
  held.release({ id: "a", fence: 1 });
  held.release({ id: "b", fence: 1 });

  held.hold([{ id: "c", fence: 1 }], 0);
  held.tellEnded();

  expect(told).toMatchObject([
    { kind: "hold", number: 1, ids: "a,b", over: [] },
    { kind: "hold", number: 2, ids: "c", over: [1] },
  ]);
});

it("tells of single jobs while others of their claim go on, of each once", () => {
  const { held, told } = open();
  held.hold(
    [
      { id: "a", fence: 1 },
      { id: "b", fence: 2 },
      { id: "c", fence: 1 },
    ],
    0,
  );
  told.length = 0;

  held.release({ id: "b", fence: 2 });
  // Of another claim.
  held.release({ id: "a", fence: 7 });
  held.tellEnded();
  held.tellEnded();
  held.release({ id: "a", fence: 1 });
  held.release({ id: "c", fence: 1 });
  held.tellEnded();

  expect(told).toEqual([
    { kind: "ended", ids: "b", fences: [2], over: [] },
    { kind: "ended", ids: "", fences: undefined, over: [1] },
  ]);
});

it("tells at once of many that have ended beside others of their claim, so that a beat is for few of them", () => {
  const { held, told } = open();
  const jobs = Array.from({ length: 1_001 }, (_none, nth) => ({ id: `job ${nth}`, fence: 1 }));
  held.hold(jobs, 0);
  told.length = 0;

  for (const job of jobs.slice(2)) held.release(job);
  expect(told).toEqual([]);
  held.release({ id: "job 0", fence: 1 });

  const ended = [...jobs.slice(2), jobs[0]].map((job) => job?.id);
  expect(told).toEqual([{ kind: "ended", ids: ended.join(","), fences: undefined, over: [] }]);
});

it("knows a job that is claimed again by its last claim alone", () => {
  const { held, told } = open();
  held.hold([{ id: "a", fence: 1 }], 0);
  held.hold([{ id: "a", fence: 3 }], 0);
  held.release({ id: "a", fence: 1 });
  held.tellEnded();
  told.length = 0;

  held.tellAll();

  expect(told).toMatchObject([{ kind: "hold", number: 2, ids: "a", fences: [3] }]);
});
