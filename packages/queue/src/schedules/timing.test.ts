import { describe, expect, it } from "vitest";
import { latestTimes, nextTime, nextTimes } from "./timing.ts";
import type { Timing } from "./timing.ts";

const unbounded = { startMs: null, endMs: null };
const at = (text: string): number => Date.parse(text);
const iso = (times: readonly number[]): string[] => times.map((ms) => new Date(ms).toISOString());
const daily = (cron: string, timezone: string): Timing => ({ kind: "cron", cron, timezone, ...unbounded });
const after = (timing: Timing, from: string, count: number): string[] =>
  iso(nextTimes(timing, at(from), count));

describe("where clocks are put forward, in Berlin on 28 March 2027 from 2 to 3", () => {
  it("a time of day in the gap comes once, at its end", () => {
    expect(after(daily("30 2 * * *", "Europe/Berlin"), "2027-03-27T00:00:00Z", 3)).toEqual([
      "2027-03-27T01:30:00.000Z",
      "2027-03-28T01:00:00.000Z",
      "2027-03-29T00:30:00.000Z",
    ]);
  });

  it("several times of day in the gap come together, as one", () => {
    expect(after(daily("0,30 2 * * *", "Europe/Berlin"), "2027-03-27T12:00:00Z", 3)).toEqual([
      "2027-03-28T01:00:00.000Z",
      "2027-03-29T00:00:00.000Z",
      "2027-03-29T00:30:00.000Z",
    ]);
  });

  it("what comes every half hour goes on every half hour", () => {
    expect(after(daily("*/30 * * * *", "Europe/Berlin"), "2027-03-28T00:10:00Z", 3)).toEqual([
      "2027-03-28T00:30:00.000Z",
      "2027-03-28T01:00:00.000Z",
      "2027-03-28T01:30:00.000Z",
    ]);
  });
});

describe("where clocks are put back, in Berlin on 31 October 2027 from 3 to 2", () => {
  it("a time of day in the double hour comes once, the first time", () => {
    expect(after(daily("30 2 * * *", "Europe/Berlin"), "2027-10-30T12:00:00Z", 2)).toEqual([
      "2027-10-31T00:30:00.000Z",
      "2027-11-01T01:30:00.000Z",
    ]);
  });

  it("several times of day in the double hour come once each", () => {
    expect(after(daily("0,30 2 * * *", "Europe/Berlin"), "2027-10-30T12:00:00Z", 3)).toEqual([
      "2027-10-31T00:00:00.000Z",
      "2027-10-31T00:30:00.000Z",
      "2027-11-01T01:00:00.000Z",
    ]);
  });

  it("what comes every half hour comes four times in the double hour", () => {
    expect(after(daily("*/30 * * * *", "Europe/Berlin"), "2027-10-30T23:50:00Z", 5)).toEqual([
      "2027-10-31T00:00:00.000Z",
      "2027-10-31T00:30:00.000Z",
      "2027-10-31T01:00:00.000Z",
      "2027-10-31T01:30:00.000Z",
      "2027-10-31T02:00:00.000Z",
    ]);
  });
});

describe("on Lord Howe, where clocks move by half an hour", () => {
  const zone = "Australia/Lord_Howe";

  it("a time of day in the gap comes at its end", () => {
    expect(after(daily("15 2 * * *", zone), "2027-10-02T00:00:00Z", 2)).toEqual([
      "2027-10-02T15:30:00.000Z",
      "2027-10-03T15:15:00.000Z",
    ]);
  });

  it("a time of day in the double half hour comes once", () => {
    expect(after(daily("45 1 * * *", zone), "2027-04-03T00:00:00Z", 2)).toEqual([
      "2027-04-03T14:45:00.000Z",
      "2027-04-04T15:15:00.000Z",
    ]);
  });

  it("what comes every quarter of an hour goes on every quarter", () => {
    const times = nextTimes(daily("*/15 * * * *", zone), at("2027-04-03T13:50:00Z"), 12);

    expect(new Set(times.slice(1).map((time, nth) => time - (times[nth] ?? 0)))).toEqual(new Set([900_000]));
  });
});

it("midnight that a zone leaves out comes at the end of the gap", () => {
  expect(after(daily("0 0 * * *", "America/Havana"), "2027-03-13T12:00:00Z", 2)).toEqual([
    "2027-03-14T05:00:00.000Z",
    "2027-03-15T04:00:00.000Z",
  ]);
});

it("another zone moves a time of day, on the same day where it is still to come", () => {
  const from = "2027-06-01T05:00:00Z";

  expect(after(daily("0 9 * * *", "Europe/Berlin"), from, 1)).toEqual(["2027-06-01T07:00:00.000Z"]);
  expect(after(daily("0 9 * * *", "America/New_York"), from, 1)).toEqual(["2027-06-01T13:00:00.000Z"]);
  expect(after(daily("0 9 * * *", "Asia/Tokyo"), from, 1)).toEqual(["2027-06-02T00:00:00.000Z"]);
});

it("seconds may go first", () => {
  expect(after(daily("*/20 * * * * *", "UTC"), "2027-01-01T00:00:00.500Z", 3)).toEqual([
    "2027-01-01T00:00:20.000Z",
    "2027-01-01T00:00:40.000Z",
    "2027-01-01T00:01:00.000Z",
  ]);
});

it("a time is not after itself", () => {
  const first = nextTime(daily("0 9 * * *", "UTC"), at("2027-01-01T08:59:59.999Z"));

  expect(first).toBe(at("2027-01-01T09:00:00Z"));
  expect(nextTime(daily("0 9 * * *", "UTC"), first ?? 0)).toBe(at("2027-01-02T09:00:00Z"));
});

describe("an interval", () => {
  const interval: Timing = {
    kind: "interval",
    everyMs: 7_000,
    anchorMs: at("2027-01-01T00:00:00Z"),
    ...unbounded,
  };

  it("counts from its anchor, however late anybody looks", () => {
    expect(nextTime(interval, at("2027-01-01T00:00:00Z"))).toBe(at("2027-01-01T00:00:07Z"));
    expect(nextTime(interval, at("2027-01-01T00:00:15.123Z"))).toBe(at("2027-01-01T00:00:21Z"));
  });

  it("has not drifted after a year of looks that came late", () => {
    const anchor = at("2027-01-01T00:00:00Z");
    let time = anchor;
    for (let day = 0; day < 365; day++) time = nextTime(interval, time + 86_400_000 + day * 17) ?? 0;

    expect(time).toBeGreaterThan(at("2028-01-01T00:00:00Z"));
    expect((time - anchor) % 7_000).toBe(0);
  });

  it("begins with its anchor when that is to come", () => {
    expect(nextTime(interval, at("2026-12-01T00:00:00Z"))).toBe(at("2027-01-01T00:00:00Z"));
  });
});

describe("between its start and its end", () => {
  const bounds = { startMs: at("2027-01-02T09:00:00Z"), endMs: at("2027-01-03T09:00:00Z") };
  const bounded: Timing = { ...daily("0 9 * * *", "UTC"), ...bounds };

  it("a time may be the start or the end", () => {
    expect(after(bounded, "2027-01-01T00:00:00Z", 5)).toEqual([
      "2027-01-02T09:00:00.000Z",
      "2027-01-03T09:00:00.000Z",
    ]);
  });

  it("looking back finds the same", () => {
    const found = latestTimes(bounded, { fromMs: 0, untilMs: at("2027-02-01T00:00:00Z"), count: 10 });

    expect(iso(found)).toEqual(["2027-01-02T09:00:00.000Z", "2027-01-03T09:00:00.000Z"]);
  });
});

it("a single time comes once", () => {
  const once: Timing = { kind: "once", atMs: 5_000, ...unbounded };

  expect(nextTimes(once, 0, 10)).toEqual([5_000]);
  expect(nextTime(once, 5_000)).toBeNull();
});

const patterns = [
  "30 2 * * *",
  "0,30 2 * * *",
  "*/15 * * * *",
  "0 * * * *",
  "15 1-3 * * *",
  "*/7 1,2 * * *",
  "0 0 * * *",
];
const changes = [
  { zone: "Europe/Berlin", days: ["2027-03-28", "2027-10-31"] },
  { zone: "America/New_York", days: ["2027-03-14", "2027-11-07"] },
  { zone: "America/Havana", days: ["2027-03-14", "2027-11-07"] },
  { zone: "Australia/Lord_Howe", days: ["2027-04-03", "2027-10-02"] },
  { zone: "Africa/Casablanca", days: ["2027-02-07", "2027-03-14"] },
  { zone: "Asia/Kathmandu", days: ["2027-03-28"] },
];
const cases = changes.flatMap(({ zone, days }) =>
  days.flatMap((day) => patterns.map((pattern) => ({ zone, day, pattern }))),
);

describe.each(cases)("$pattern around $day in $zone", ({ zone, day, pattern }) => {
  const timing = daily(pattern, zone);
  const fromMs = at(`${day}T00:00:00Z`) - 24 * 3_600_000;
  const untilMs = fromMs + 72 * 3_600_000;
  const longer = nextTimes(timing, fromMs - 1, 400);
  const forward = longer.filter((time) => time <= untilMs);

  it("looking back finds what looking forward does", () => {
    expect(iso(latestTimes(timing, { fromMs, untilMs, count: 1_000 }))).toEqual(iso(forward));
  });

  it("is the same from wherever one looks", () => {
    const steps = forward.flatMap((time) => [time - 1, time, time + 59_999]);

    expect(steps.map((from) => nextTime(timing, from))).toEqual(
      steps.map((from) => longer.find((time) => time > from)),
    );
  });
});
