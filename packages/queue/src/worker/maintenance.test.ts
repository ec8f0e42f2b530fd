import { silentLogger } from "@millrace/kernel";
import type { Service } from "@millrace/kernel";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { mostReleased } from "../limits/release-parked.ts";
import { createMaintenance } from "./maintenance.ts";
import type { Chore } from "./maintenance.ts";
import { UpkeepTurn } from "./upkeep-turn.ts";
import { workerChores } from "./queue-chores.ts";

const pollMs = 2_000;
const started: Service[] = [];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((service) => service.stop()));
  vi.useRealTimers();
});

const start = async (chores: readonly Chore[]): Promise<Service> => {
  const maintenance = createMaintenance({ logger: silentLogger }, { pollMs, chores });
  started.push(maintenance);
  await maintenance.start();
  return maintenance;
};

/** As a vacuum of a large table: it goes on until it is told to stop. */
const hanging: Chore = {
  name: "hang",
  everyMs: 1,
  run: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined))),
};

it("lets a worker say how it is, and follow what is asked of it, while another chore hangs", async () => {
  const worker = {
    beat: vi.fn<() => Promise<void>>().mockResolvedValue(undefined),
    refreshLimits: vi.fn<() => Promise<void>>().mockResolvedValue(undefined),
    releaseParked: vi.fn<() => Promise<number>>().mockResolvedValue(0),
    upkeep: new UpkeepTurn(),
  };
  await start([hanging, ...workerChores(worker, { pollMs })]);

  await vi.advanceTimersByTimeAsync(10 * pollMs);

  expect(worker.beat.mock.calls.length).toBeGreaterThanOrEqual(9);
  expect(worker.refreshLimits.mock.calls.length).toBeGreaterThanOrEqual(9);
  expect(worker.releaseParked).not.toHaveBeenCalled();
});

it("goes on at the next poll with the jobs of a limit that is gone, where they are too many for one call", async () => {
  const releaseParked = vi.fn<() => Promise<number>>().mockResolvedValue(mostReleased);
  const worker = {
    beat: () => Promise.resolve(),
    refreshLimits: () => Promise.resolve(),
    releaseParked,
    upkeep: new UpkeepTurn(),
  };
  await start(workerChores(worker, { pollMs }));

  await vi.advanceTimersByTimeAsync(10 * pollMs);

  expect(releaseParked.mock.calls.length).toBeGreaterThanOrEqual(5);
});

it("does all others one after the other", async () => {
  const other = vi.fn<() => Promise<void>>().mockResolvedValue(undefined);
  await start([hanging, { name: "other", everyMs: 1, run: other }]);

  await vi.advanceTimersByTimeAsync(10 * pollMs);

  expect(other).not.toHaveBeenCalled();
});

it("begins none a second time before the first has ended", async () => {
  const run = vi.fn<Chore["run"]>().mockImplementation(hanging.run);
  await start([{ name: "hang", everyMs: 1, isApart: true, run }]);

  await vi.advanceTimersByTimeAsync(10 * pollMs);

  expect(run).toHaveBeenCalledOnce();
});

it("stops when everything that was under way has ended", async () => {
  const ended: string[] = [];
  const slow = (name: string, isApart: boolean): Chore => ({
    name,
    everyMs: 1,
    isApart,
    run: async (signal) => {
      await hanging.run(signal);
      ended.push(name);
    },
  });
  const maintenance = await start([slow("in line", false), slow("apart", true)]);
  await vi.advanceTimersByTimeAsync(2 * pollMs);

  await maintenance.stop();

  expect(ended.toSorted()).toEqual(["apart", "in line"]);
});
