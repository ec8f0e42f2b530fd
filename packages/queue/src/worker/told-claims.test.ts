import { expect, it } from "vitest";
import { HeldJobs } from "./held-jobs.ts";
import { ToldClaims } from "./told-claims.ts";

/** A worker, the thread that it tells, and what that would beat for. */
function open(): {
  readonly held: HeldJobs;
  readonly told: ToldClaims;
  readonly beaten: Map<string, number>;
  readonly ages: number[];
} {
  const beaten = new Map<string, number>();
  const ages: number[] = [];
  const told = new ToldClaims({
    hold: ({ id, fence }, ageMs) => {
      beaten.set(id, fence);
      ages.push(ageMs);
    },
    release: ({ id, fence }) => void (beaten.get(id) === fence && beaten.delete(id)),
  });
  return { held: new HeldJobs((message) => told.hear(structuredClone(message))), told, beaten, ages };
}

const jobs = (...ids: string[]) => ids.map((id) => ({ id, fence: 1 }));

it("beats for what is held, with its fences and its age", () => {
  const { held, told, beaten, ages } = open();
  held.hold([...jobs("a"), { id: "b", fence: 4 }], 700);

  told.read();

  expect(Object.fromEntries(beaten)).toEqual({ a: 1, b: 4 });
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(700);
});

it("reads nothing of a claim that is over before a beat", () => {
  const { held, told, beaten, ages } = open();
  held.hold(jobs("a", "b"), 0);
  held.release({ id: "a", fence: 1 });
  held.release({ id: "b", fence: 1 });
  held.hold(jobs("c"), 0);

  told.read();

  expect([...beaten.keys()]).toEqual(["c"]);
  expect(ages).toHaveLength(1);
});

it("forgets a claim that is over after a beat, and a job that ended while others of its claim go on", () => {
  const { held, told, beaten } = open();
  held.hold(jobs("a", "b"), 0);
  held.hold(jobs("c", "d"), 0);
  told.read();

  held.release({ id: "a", fence: 1 });
  held.release({ id: "b", fence: 1 });
  held.release({ id: "c", fence: 1 });
  held.tellEnded();

  expect([...beaten.keys()]).toEqual(["d"]);
});

it("forgets a job that ended before its claim was read", () => {
  const { held, told, beaten } = open();
  held.hold(jobs("a", "b"), 0);
  held.release({ id: "a", fence: 1 });
  held.tellEnded();

  told.read();

  expect([...beaten.keys()]).toEqual(["b"]);
});

it("beats on for a job that is claimed again when its first claim is over", () => {
  const { held, told, beaten } = open();
  held.hold(jobs("a"), 0);
  told.read();
  held.hold([{ id: "a", fence: 3 }], 0);
  held.tellEnded();

  told.read();

  expect(Object.fromEntries(beaten)).toEqual({ a: 3 });
});
