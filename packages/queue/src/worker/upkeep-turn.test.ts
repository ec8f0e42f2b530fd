import { expect, it } from "vitest";
import { UpkeepTurn } from "./upkeep-turn.ts";

const { signal } = new AbortController();

it("does nothing out of turn", async () => {
  const turn = new UpkeepTurn();
  let runs = 0;
  const chore = turn.whenMine({ name: "promote", everyMs: 1, run: async () => void runs++ });

  turn.isMine = false;
  await chore.run(signal);

  expect(runs).toBe(0);
});

it("leaves the turn to others while a chore fails, and finds out when it no longer does", async () => {
  const turn = new UpkeepTurn();
  let isBroken = true;
  const chore = turn.whenMine({
    name: "promote",
    everyMs: 1,
    run: async () => {
      if (isBroken) throw new Error("no such column");
    },
  });

  await expect(chore.run(signal)).rejects.toThrow("no such column");
  expect(turn.isTurning).toBe(false);
  turn.isMine = false;
  isBroken = false;
  await chore.run(signal);

  expect(turn.isTurning).toBe(true);
});
