import type { QueryAccess } from "@millrace/database";
import { silentLogger, sleep } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { EventBus } from "../events/event-bus.ts";
import { EventWriter } from "./event-writer.ts";
import { logLine } from "./pending-writes.ts";
import type { HeldJob } from "./pending-writes.ts";

const job: HeldJob = {
  id: "00000000-0000-7000-8000-000000000001",
  fence: 1,
  stream: "job:00000000-0000-7000-8000-000000000001",
  owner: null,
};

type Scene = {
  readonly writer: EventWriter;
  /** Transactions that were asked for. */
  tries: number;
  warnings: number;
};

/** A writer whose database refuses every connection, at once or after a while. */
function setUp({ afterMs = 0 } = {}): Scene {
  const refuse = async (): Promise<never> => {
    scene.tries++;
    if (afterMs > 0) await sleep(afterMs);
    throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  };
  // Nothing but its transactions is used.
  const database = { transaction: refuse } as unknown as QueryAccess;
  const logger: Logger = Object.assign(Object.create(silentLogger) as Logger, {
    warn: () => void scene.warnings++,
  });
  const writer = new EventWriter({ database, bus: new EventBus(silentLogger), logger });
  const scene: Scene = { writer, tries: 0, warnings: 0 };
  writer.open(job);
  return scene;
}

const linesFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_none, nth) => `line ${first + nth}`);

const say = (writer: EventWriter, first: number, count: number): void => {
  for (const line of linesFrom(first, count)) writer.log(job, logLine("info", line));
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("asks a database that refuses at once about once a second", async () => {
  const scene = setUp();
  say(scene.writer, 0, 1);

  await vi.advanceTimersByTimeAsync(5_000);

  expect(scene.tries).toBe(5);
  expect(scene.warnings).toBe(5);
});

it("asks it no more often for a job that goes on logging, also while it is asked", async () => {
  const scene = setUp({ afterMs: 100 });
  for (let nth = 0; nth < 500; nth++) {
    say(scene.writer, nth, 1);
    await vi.advanceTimersByTimeAsync(10);
  }

  expect(scene.tries).toBe(5);
});

it("keeps the first thousand lines of a job that goes on logging while the database is away", async () => {
  const { writer } = setUp({ afterMs: 500 });
  for (let nth = 0; nth < 100; nth++) {
    say(writer, nth * 100, 100);
    await vi.advanceTimersByTimeAsync(50);
  }
  await vi.advanceTimersByTimeAsync(600);

  const { logs } = await writer.writeEnd(job, async (pending) => pending);

  expect(logs.map(({ message }) => message)).toEqual(linesFrom(0, 1_000));
});

it("keeps no more than that of what a transaction that failed gives back", async () => {
  const { writer } = setUp();
  say(writer, 0, 900);
  const failing = writer.write(job, async () => {
    say(writer, 900, 900);
    throw new Error("rolled back");
  });
  await expect(failing).rejects.toThrow("rolled back");

  const { logs } = await writer.writeEnd(job, async (pending) => pending);

  expect(logs.map(({ message }) => message)).toEqual(linesFrom(0, 1_000));
});
