import { describe, expect, it } from "vitest";
import { addDeath, isHopeless, noDeaths, pauseBeforeRestart } from "./restart-plan.ts";
import type { Deaths } from "./restart-plan.ts";

const soon = { ms: 500, wasReady: true };

function dead(times: number, life = soon): Deaths {
  let deaths = noDeaths;
  for (let count = 0; count < times; count++) deaths = addDeath(deaths, life);
  return deaths;
}

describe("a process that dies", () => {
  it("is started again at once, and later and later when it dies again soon", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((times) => pauseBeforeRestart(dead(times)));

    expect(pauses).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("is started at once again after it had lived for a minute", () => {
    const deaths = addDeath(dead(8), { ms: 60_000, wasReady: true });

    expect(pauseBeforeRestart(deaths)).toBe(0);
  });

  it("is hopeless when it was not ready five times in a row", () => {
    const unready = { ms: 500, wasReady: false };

    expect(isHopeless(dead(4, unready))).toBe(false);
    expect(isHopeless(dead(5, unready))).toBe(true);
    expect(isHopeless(addDeath(dead(5, unready), soon))).toBe(false);
  });
});
