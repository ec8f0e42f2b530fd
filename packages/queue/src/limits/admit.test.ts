import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { admit } from "./admit.ts";
import type { Candidate, Room } from "./admit.ts";

const open: Room = { tokens: undefined, slots: undefined, linePriority: undefined, reserved: [] };

function queued(id: string, ...limiterKeys: string[]): Candidate {
  return { id, priority: 5, parkedBy: null, limiterKeys };
}

describe("admit", () => {
  it("starts as many as are wanted, and leaves the others", () => {
    const decided = admit([queued("a"), queued("b"), queued("c")], new Map(), 2);

    expect(decided).toMatchObject({ admitted: ["a", "b"], parked: [], started: new Map() });
  });

  it("starts a job for each whole token", () => {
    const rooms = new Map([["task:t", { ...open, tokens: 1.9 }]]);

    const { admitted, parked } = admit([queued("a", "task:t"), queued("b", "task:t")], rooms, 9);

    expect(admitted).toEqual(["a"]);
    expect(parked).toEqual([{ id: "b", limiter: "task:t", reason: "rate_limit" }]);
  });

  it("starts none where more run than are allowed, as after a limit was lowered", () => {
    const rooms = new Map([["task:t", { ...open, slots: -2 }]]);

    const { admitted, parked } = admit([queued("a", "task:t")], rooms, 9);

    expect(admitted).toEqual([]);
    expect(parked).toEqual([{ id: "a", limiter: "task:t", reason: "concurrency_limit" }]);
  });

  it("takes no token of a limit from a job that another one holds", () => {
    const rooms = new Map([
      ["key:t:k", { ...open, slots: 0 }],
      ["task:t", { ...open, tokens: 1 }],
    ]);

    const { admitted, parked } = admit(
      [queued("held", "key:t:k", "task:t"), queued("free", "task:t")],
      rooms,
      9,
    );

    expect(admitted).toEqual(["free"]);
    expect(parked).toEqual([{ id: "held", limiter: "key:t:k", reason: "concurrency_limit" }]);
  });

  it("parks what is held also behind the last one that is wanted", () => {
    const rooms = new Map([["task:t", { ...open, tokens: 0 }]]);

    const { admitted, parked } = admit([queued("a"), queued("b"), queued("held", "task:t")], rooms, 1);

    expect(admitted).toEqual(["a"]);
    expect(parked.map(({ id }) => id)).toEqual(["held"]);
  });

  it("leaves a job in its line, and moves it to that of another limit which holds it now", () => {
    const rooms = new Map([
      ["key:t:k", { ...open, slots: 0 }],
      ["task:t", { ...open, tokens: 1 }],
    ]);
    const inLine = { id: "stays", priority: 5, parkedBy: "key:t:k", limiterKeys: ["key:t:k", "task:t"] };
    const mayGo = { id: "moves", priority: 5, parkedBy: "task:t", limiterKeys: ["key:t:k", "task:t"] };

    const { parked } = admit([inLine, mayGo], rooms, 9);

    expect(parked).toEqual([{ id: "moves", limiter: "key:t:k", reason: "concurrency_limit" }]);
  });

  it("sends a new job to the end of the line first, unless its priority is higher than any there", () => {
    const rooms = new Map([["task:t", { ...open, tokens: 5, linePriority: 5 }]]);
    const inLine = { id: "in line", priority: 5, parkedBy: "task:t", limiterKeys: ["task:t"] };
    const higher = { ...queued("higher", "task:t"), priority: 6 };

    const { admitted, parked } = admit([higher, queued("new", "task:t"), inLine], rooms, 9);

    expect(admitted).toEqual(["higher", "in line"]);
    expect(parked).toEqual([{ id: "new", limiter: "task:t", reason: "rate_limit" }]);
  });
});

describe("a job that its key lets through and its task holds", () => {
  const both = ["key:t:k", "task:t"];
  const inTaskLine = (id: string, priority = 5): Candidate => ({
    id,
    priority,
    parkedBy: "task:t",
    limiterKeys: both,
  });
  const reason = "concurrency_limit";

  it("keeps the room of its key, so that others of that key wait for the key", () => {
    const rooms = new Map([
      ["key:t:k", { ...open, slots: 1, tokens: 9 }],
      ["task:t", { ...open, slots: 0 }],
    ]);

    const { parked } = admit([queued("first", ...both), queued("second", ...both)], rooms, 9);

    expect(parked).toEqual([
      { id: "first", limiter: "task:t", reason },
      { id: "second", limiter: "key:t:k", reason },
    ]);
  });

  it("has kept it since an earlier claim, and takes it when the task has room", () => {
    const rooms = new Map([
      ["key:t:k", { ...open, slots: 1, reserved: [5] }],
      ["task:t", { ...open, slots: 2 }],
    ]);

    const { admitted, left } = admit([inTaskLine("first"), queued("second", ...both)], rooms, 9);

    expect(admitted).toEqual(["first"]);
    expect(left.get("key:t:k")).toMatchObject({ slots: 0, reserved: [] });
  });

  it("does not keep it from a job of a higher priority, and waits for its key when that has started", () => {
    const rooms = new Map([
      ["key:t:k", { ...open, slots: 1, reserved: [5] }],
      ["task:t", { ...open, slots: 2 }],
    ]);
    const urgent = { ...queued("urgent", ...both), priority: 9 };

    const { admitted, parked } = admit([urgent, inTaskLine("first")], rooms, 9);

    expect(admitted).toEqual(["urgent"]);
    expect(parked).toEqual([{ id: "first", limiter: "key:t:k", reason }]);
  });
});

describe("whatever the candidates and the limits are", () => {
  const keys = ["task:a", "task:b", "key:a:1", "key:a:2"];
  const room = fc.record({
    tokens: fc.option(fc.double({ min: -1, max: 4, noNaN: true }), { nil: undefined }),
    slots: fc.option(fc.integer({ min: -2, max: 4 }), { nil: undefined }),
    linePriority: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
    reserved: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
  });
  const rooms = fc
    .tuple(...keys.map(() => fc.option(room, { nil: open })))
    .map((list) => new Map(list.map((one, index) => [keys[index]!, one])));
  const candidates = fc
    .array(
      fc.record({
        limiterKeys: fc.uniqueArray(fc.constantFrom(...keys)),
        line: fc.option(fc.nat({ max: 3 })),
        priority: fc.integer({ min: 0, max: 9 }),
      }),
      { maxLength: 30 },
    )
    .map((list) =>
      list.map(({ limiterKeys, line, priority }, index): Candidate => {
        const parkedBy = line === null ? null : (limiterKeys[line] ?? null);
        return { id: `job ${index}`, priority, parkedBy, limiterKeys };
      }),
    );
  const wanted = fc.integer({ min: 0, max: 12 });

  it("starts no more than any limit allows, nor than are wanted", () => {
    fc.assert(
      fc.property(candidates, rooms, wanted, (candidates, rooms, wanted) => {
        const { admitted, started } = admit(candidates, rooms, wanted);

        expect(admitted.length).toBeLessThanOrEqual(wanted);
        for (const key of keys) {
          const starts = candidates.filter(({ id, limiterKeys }) => {
            return admitted.includes(id) && limiterKeys.includes(key);
          }).length;
          const { tokens = Infinity, slots = Infinity } = rooms.get(key)!;
          expect(starts).toBe(started.get(key) ?? 0);
          expect(starts).toBeLessThanOrEqual(Math.max(0, Math.min(Math.floor(tokens), slots)));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps their order, and lets no queued job pass one of the same limits and a priority as high", () => {
    fc.assert(
      fc.property(candidates, rooms, wanted, (candidates, rooms, wanted) => {
        const { admitted } = admit(candidates, rooms, wanted);

        const ids = candidates.map(({ id }) => id);
        expect(admitted).toEqual(ids.filter((id) => admitted.includes(id)));
        const limitsOf = (job: Candidate): string => job.limiterKeys.toSorted().join();
        const passed = candidates.filter((job, index) => {
          const isPassed = (other: Candidate): boolean =>
            limitsOf(other) === limitsOf(job) &&
            other.priority >= job.priority &&
            !admitted.includes(other.id);
          return (
            job.parkedBy === null && admitted.includes(job.id) && candidates.slice(0, index).some(isPassed)
          );
        });
        expect(passed).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it("parks each job that is held, once, in the line of a limit of its own that it does not stand in", () => {
    fc.assert(
      fc.property(candidates, rooms, wanted, (candidates, rooms, wanted) => {
        const { admitted, parked } = admit(candidates, rooms, wanted);

        expect(new Set(parked.map(({ id }) => id)).size).toBe(parked.length);
        for (const { id, limiter } of parked) {
          const job = candidates.find((candidate) => candidate.id === id)!;
          expect(admitted).not.toContain(id);
          expect(job.limiterKeys).toContain(limiter);
          expect(job.parkedBy).not.toBe(limiter);
        }
        // What neither starts nor waits in a line is left only because no more were wanted.
        const moved = new Set([...admitted, ...parked.map(({ id }) => id)]);
        const isLeft = candidates.some(({ id, parkedBy }) => parkedBy === null && !moved.has(id));
        expect(isLeft && admitted.length < wanted).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});
