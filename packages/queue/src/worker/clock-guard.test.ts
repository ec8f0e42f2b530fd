import { describe, expect, it } from "vitest";
import { ClockGuard } from "./clock-guard.ts";

const leaseMs = 60_000;

/** A guard whose database answers after a while, and the two clocks that it reads. */
function createGuard() {
  const clocks = { ownMs: 1_000, databaseMs: 5_000_000, thereMs: 0, backMs: 0 };
  const pass = (ms: number): void => {
    clocks.ownMs += ms;
    clocks.databaseMs += ms;
  };
  const read = async (): Promise<number> => {
    pass(clocks.thereMs);
    const answer = clocks.databaseMs;
    pass(clocks.backMs);
    return answer;
  };
  return { clocks, pass, guard: new ClockGuard(read, leaseMs, () => clocks.ownMs) };
}

async function trusted() {
  const made = createGuard();
  await made.guard.isSane();
  made.pass(leaseMs);
  expect(await made.guard.isSane()).toBe(true);
  made.pass(10_000);
  return made;
}

describe("the clock guard", () => {
  it("trusts the clock one lease after its first look", async () => {
    const { guard, pass } = createGuard();

    expect(await guard.isSane()).toBe(false);
    pass(leaseMs - 1);
    expect(await guard.isSane()).toBe(false);
    pass(1);
    expect(await guard.isSane()).toBe(true);
  });

  it.each([
    ["forwards", 5_000],
    ["backwards", -5_000],
  ])("takes nothing for one lease after a jump %s", async (_direction, jumpMs) => {
    const { guard, clocks, pass } = await trusted();

    clocks.databaseMs += jumpMs;
    expect(await guard.isSane()).toBe(false);
    pass(leaseMs);
    expect(await guard.isSane()).toBe(true);
  });

  it.each([
    ["there", { thereMs: 30_000 }],
    ["back", { backMs: 30_000 }],
  ])("takes a slow way %s for no jump", async (_way, slow) => {
    const { guard, clocks, pass } = await trusted();

    Object.assign(clocks, slow);
    expect(await guard.isSane()).toBe(true);
    Object.assign(clocks, { thereMs: 0, backMs: 0 });
    pass(10_000);
    expect(await guard.isSane()).toBe(true);
  });
});
