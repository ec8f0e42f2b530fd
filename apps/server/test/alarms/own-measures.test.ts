import type { Database } from "@millrace/database";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OwnMeasures } from "../../src/alarms/own-measures.ts";

let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  opened = await testDatabases()
    .find(({ name }) => name === "embedded")!
    .open();
  database = opened.database;
});
afterAll(() => opened.close());

/** Measures on a clock that goes on by so much with each look at it, and otherwise stands still. */
function createMeasures() {
  // The clock of the database goes on by itself: this one starts with it.
  const startedMs = performance.now();
  const clock = { extraMs: 0, perLookMs: 0 };
  const monotonicMs = (): number => {
    clock.extraMs += clock.perLookMs;
    return clock.perLookMs === 0 ? performance.now() + clock.extraMs : startedMs + clock.extraMs;
  };
  const measures = new OwnMeasures({
    database,
    clock: { now: () => new Date(), monotonicMs },
    process: "here/1",
    p95Ms: 50,
  });
  const probe = async (times: number, tripMs: number): Promise<void> => {
    clock.perLookMs = tripMs;
    for (let time = 0; time < times; time++) await measures.probe();
    clock.perLookMs = 0;
  };
  const kinds = async () => (await measures.find()).map(({ kind }) => kind);
  return { measures, clock, probe, kinds };
}

describe("what a process measures of itself", () => {
  it("is a slow database when more than 5 % of the round trips take too long", async () => {
    const { measures, probe } = createMeasures();

    await probe(37, 20);
    await probe(3, 80);

    expect(await measures.find()).toMatchObject([
      { kind: "database_slow", subject: "here/1", details: { p95_ms: 80, round_trips: 40, threshold: 50 } },
    ]);
  });

  it("is none when it is 5 %, or when there were few", async () => {
    const many = createMeasures();
    await many.probe(38, 20);
    await many.probe(2, 80);
    const few = createMeasures();
    await few.probe(20, 80);

    expect([await many.kinds(), await few.kinds()]).toEqual([[], []]);
  });

  it("is over when the slow ones are two minutes old", async () => {
    const { clock, probe, kinds } = createMeasures();
    await probe(30, 80);
    expect(await kinds()).toEqual(["database_slow"]);

    clock.extraMs += 120_000;
    await probe(30, 20);

    expect((await kinds()).filter((kind) => kind === "database_slow")).toEqual([]);
  });

  it("is a jump of the clocks, for ten minutes", async () => {
    const { measures, clock, kinds } = createMeasures();
    expect(await kinds()).toEqual([]);

    clock.extraMs -= 3_600_000;
    const found = await measures.find();
    expect(found).toMatchObject([{ kind: "clock_jump", subject: "here/1" }]);
    expect(found[0]?.details["seconds"]).toBeGreaterThan(3_590);
    expect(await kinds()).toEqual(["clock_jump"]);
  });
});
