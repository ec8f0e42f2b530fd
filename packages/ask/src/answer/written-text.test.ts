import { expect, it, vi } from "vitest";
import { WrittenText } from "./written-text.ts";
import type { WrittenPiece } from "./written-text.ts";

function watched(write: (piece: WrittenPiece) => Promise<void> = async () => undefined) {
  vi.useFakeTimers();
  const told: WrittenPiece[] = [];
  const written = new WrittenText(async (piece) => {
    await write(piece);
    told.push(piece);
  });
  return { written, told };
}

it("gathers pieces, and says at the first that what was told before is void", async () => {
  const { written, told } = watched();

  written.add("The ");
  written.add("mill ");
  await vi.advanceTimersByTimeAsync(100);
  written.add("stands.");
  await written.close();

  expect(told).toEqual([
    { text: "The mill ", reset: true },
    { text: "stands.", reset: false },
  ]);
});

it("tells that another answer begins anew", async () => {
  const { written, told } = watched();

  written.add("One");
  await vi.advanceTimersByTimeAsync(100);
  written.add(" more");
  written.begin();
  written.add("Two");
  await written.close();

  expect(told).toEqual([
    { text: "One", reset: true },
    { text: "Two", reset: true },
  ]);
});

it("tells with what comes next what could not be told", async () => {
  let isAway = true;
  const { written, told } = watched(async () => {
    if (isAway) throw new Error("away");
  });

  written.add("The ");
  await vi.advanceTimersByTimeAsync(100);
  isAway = false;
  written.add("mill");
  await written.close();

  expect(told).toEqual([{ text: "The mill", reset: true }]);
});
