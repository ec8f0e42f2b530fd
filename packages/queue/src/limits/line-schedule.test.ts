import { expect, it } from "vitest";
import { LineSchedule } from "./line-schedule.ts";

const inVain = { jobs: [], parked: [], isLineOpen: false, nextInMs: undefined, linesTo: undefined };

function create() {
  const clock = { ms: 1_000 };
  return { clock, schedule: new LineSchedule(2_000, () => clock.ms) };
}

/** Looks, and says at what. */
async function look(schedule: LineSchedule, seen: Partial<typeof inVain> | object = {}) {
  let lines: object = {};
  await schedule.look((asked) => {
    lines = asked;
    return Promise.resolve({ ...inVain, ...seen });
  });
  return lines;
}

it("looks at all lines first, and again after a poll", async () => {
  const { clock, schedule } = create();

  expect(await look(schedule)).toEqual({ after: "", keys: [] });

  expect(schedule.againInMs()).toBe(2_000);
  clock.ms += 1_999;
  expect(await look(schedule)).toEqual({ keys: [] });
  clock.ms += 1;
  expect(await look(schedule)).toEqual({ after: "", keys: [] });
});

it("looks at all lines when the rate of one allows the next start", async () => {
  const { clock, schedule } = create();

  await look(schedule, { nextInMs: 300 });

  expect(schedule.againInMs()).toBe(300);
  clock.ms += 300;
  expect(await look(schedule)).toEqual({ after: "", keys: [] });
});

it("comes earlier for a line that was begun meanwhile", async () => {
  const { schedule } = create();
  await look(schedule);

  await look(schedule, { nextInMs: 70 });

  expect(schedule.againInMs()).toBe(70);
});

it("looks once at the lines of jobs that ended here", async () => {
  const { schedule } = create();
  await look(schedule);

  schedule.hasRoom("task:t");

  expect(await look(schedule)).toEqual({ keys: ["task:t"] });
  expect(await look(schedule)).toEqual({ keys: [] });
});

it("goes on with a line that has room still, at once when it brought a job", async () => {
  const { schedule } = create();
  await look(schedule);
  schedule.hasRoom("task:t");

  await look(schedule, { jobs: [{}], isLineOpen: true });

  expect(schedule.againInMs()).toBe(0);
  expect(await look(schedule)).toEqual({ after: "", keys: ["task:t"] });
});

it("goes on at once with a line from which a job was sent to another", async () => {
  const { schedule } = create();

  await look(schedule, { parked: [{}], isLineOpen: true });

  expect(schedule.againInMs()).toBe(0);
});

it("waits a little when others are at a line that has room", async () => {
  const { schedule } = create();

  await look(schedule, { isLineOpen: true });

  expect(schedule.againInMs()).toBe(50);
});

it("goes through thousands of lines in parts, and remembers the next start of all of them", async () => {
  const { schedule } = create();

  expect(await look(schedule, { linesTo: "task:m", nextInMs: 500 })).toEqual({ after: "", keys: [] });
  expect(schedule.againInMs()).toBe(0);
  expect(await look(schedule, { nextInMs: 900 })).toEqual({ after: "task:m", keys: [] });

  expect(schedule.againInMs()).toBe(500);
});

it("looks at the same lines again after a failure", async () => {
  const { schedule } = create();
  schedule.hasRoom("task:t");

  await expect(schedule.look(() => Promise.reject(new Error("away")))).rejects.toThrow("away");

  expect(await look(schedule)).toEqual({ after: "", keys: ["task:t"] });
});

it("looks at all lines after a hint, unless looking takes much of its time", async () => {
  const { clock, schedule } = create();
  await schedule.look(() => {
    clock.ms += 100;
    return Promise.resolve(inVain);
  });

  schedule.hint();
  expect(schedule.againInMs()).toBe(900);
  clock.ms += 900;

  expect(await look(schedule)).toEqual({ after: "", keys: [] });
});
