import { sleep } from "@millrace/kernel";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { HintPacer } from "./hint-pacer.ts";

const passed: (readonly string[])[] = [];
const pass = async (queues: readonly string[]): Promise<void> => void passed.push(queues);

beforeEach(() => {
  passed.length = 0;
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

it("passes the first on at once, with those named in the same go", async () => {
  const pacer = new HintPacer(50, pass);

  pacer.add("chat");
  pacer.add("mail");
  await vi.advanceTimersByTimeAsync(0);

  expect(passed).toEqual([["chat", "mail"]]);
});

it("passes what comes within a slot on once, at its end", async () => {
  const pacer = new HintPacer(50, pass);
  pacer.add("chat");
  await vi.advanceTimersByTimeAsync(10);

  for (let nth = 0; nth < 100; nth++) pacer.add("chat");
  await vi.advanceTimersByTimeAsync(39);
  expect(passed).toEqual([["chat"]]);
  await vi.advanceTimersByTimeAsync(1);

  expect(passed).toEqual([["chat"], ["chat"]]);
});

it("passes on at once again after a slot in which nothing came", async () => {
  const pacer = new HintPacer(50, pass);
  pacer.add("chat");
  await vi.advanceTimersByTimeAsync(60);

  pacer.add("mail");
  await vi.advanceTimersByTimeAsync(0);

  expect(passed).toEqual([["chat"], ["mail"]]);
});

it("waits for a passing that takes longer than a slot", async () => {
  const pacer = new HintPacer(50, async (queues) => {
    await pass(queues);
    await sleep(500);
  });
  pacer.add("chat");
  await vi.advanceTimersByTimeAsync(10);

  pacer.add("mail");
  await vi.advanceTimersByTimeAsync(489);
  expect(passed).toEqual([["chat"]]);
  await vi.advanceTimersByTimeAsync(1);

  expect(passed).toEqual([["chat"], ["mail"]]);
});

it("passes on what it holds when it is stopped, and nothing that comes after", async () => {
  const pacer = new HintPacer(50, pass);
  pacer.add("chat");
  await vi.advanceTimersByTimeAsync(10);
  pacer.add("mail");

  const stopped = pacer.stop();
  pacer.add("late");
  await vi.advanceTimersByTimeAsync(100);
  await stopped;

  expect(passed).toEqual([["chat"], ["mail"]]);
});
