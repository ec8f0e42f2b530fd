import fc from "fast-check";
import { expect, it } from "vitest";
import { TurnoverMap } from "./turnover-map.ts";

it("is like a Map, in the same order, whatever comes and goes", () => {
  const change = fc.oneof(
    { weight: 3, arbitrary: fc.record({ put: fc.integer({ min: 0, max: 40 }), value: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ remove: fc.integer({ min: 0, max: 40 }) }) },
    // As many as begin several tables, and all but a few of them gone.
    fc.record({ many: fc.integer({ min: 500, max: 2_500 }), kept: fc.integer({ min: 0, max: 3 }) }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const map = new TurnoverMap<number, number>();
      const model = new Map<number, number>();
      const set = (key: number, value: number): void => {
        expect(map.set(key, value)).toBe(model.get(key));
        model.set(key, value);
      };
      const remove = (key: number): void => expect(map.delete(key)).toBe(model.delete(key));
      let fresh = 1_000;
      for (const one of changes) {
        if ("put" in one) set(one.put, one.value);
        else if ("remove" in one) remove(one.remove);
        else {
          const keys = Array.from({ length: one.many }, () => fresh++);
          for (const key of keys) set(key, key);
          for (const key of keys.slice(one.kept)) remove(key);
        }
        expect(map.size).toBe(model.size);
        expect([...map]).toEqual([...model]);
        expect([...map.values()]).toEqual([...model.values()]);
        expect(map.has(5)).toBe(model.has(5));
        expect(map.get(5)).toBe(model.get(5));
      }
    }),
    { numRuns: 60 },
  );
});

it("keeps what stays while thousands go by", () => {
  const map = new TurnoverMap<number, string>();
  map.set(-1, "stays");
  for (let key = 0; key < 20_000; key++) {
    map.set(key, "goes");
    if (key >= 1_500) map.delete(key - 1_500);
  }
  expect(map.get(-1)).toBe("stays");
  expect(map.size).toBe(1_501);
  expect([...map][0]).toEqual([-1, "stays"]);
});

it("shows each entry once, also while they are deleted", () => {
  const map = new TurnoverMap<number, number>();
  for (let key = 0; key < 3_500; key++) map.set(key, key);
  const seen: number[] = [];
  for (const value of map.values()) {
    seen.push(value);
    map.delete(value);
  }
  expect(seen).toEqual(Array.from({ length: 3_500 }, (_none, nth) => nth));
  expect(map.size).toBe(0);
});
