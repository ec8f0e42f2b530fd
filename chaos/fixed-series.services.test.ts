import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { check, drain, listFindings } from "./check/check.ts";
import type { Checked } from "./check/check.ts";
import { countOpen } from "./check/facts.ts";
import { addressesOf, recoveryLimitMs, suffer } from "./experiment.ts";
import type { Outcome } from "./experiment.ts";
import { allFaults } from "./faults/all-faults.ts";
import { leaseSeconds, openGround } from "./ground/ground.ts";
import type { Ground } from "./ground/ground.ts";
import { Load } from "./load/load.ts";
import { Outside } from "./load/outside.ts";
import { Random } from "./load/random.ts";
import { toMarkdown, toReport } from "./report.ts";

/** Each fault once, one after the other, under a load that goes on. `npm run chaos` breaks things at random. */

const seed = 20_261_121;
const isNightly = process.env.MILLRACE_NIGHTLY === "1";
// Longer than a lease, so that those who stand still lose theirs; the full minute without brokers is for the night.
const maxHoldMs = isNightly ? Infinity : (leaseSeconds + 1) * 1000;
const drainLimitMs = 90_000;

const random = new Random(seed);
const outside = new Outside();
const outcomes: Outcome[] = [];
let ground: Ground;
let load: Load;
let startedMs: number;
let last: Checked | undefined;

beforeAll(async () => {
  ground = await openGround({ broker: "mixed", outsideUrl: await outside.start() });
  load = new Load({
    addresses: addressesOf(ground),
    seed,
    clients: 4,
    pauseMs: 250,
    countOpen: () => countOpen(ground.database).catch(() => undefined),
  });
  startedMs = Date.now();
  load.start();
}, 180_000);
afterAll(async () => {
  await load?.stop(0);
  await writeReport();
  await ground?.stop();
  await outside.stop();
}, 60_000);

it.each(allFaults)(
  "works on, loses nothing and does nothing twice: $name",
  async (fault) => {
    const outcome = await suffer(ground, fault, { random: random.fork(), maxHoldMs });
    outcomes.push(outcome);

    const checked = await check({ ground, load, outside }, { atRest: false });

    expect(listFindings(checked.findings)).toEqual([]);
    expect(outcome.recoveryMs).toBeLessThan(recoveryLimitMs);
  },
  180_000,
);

it(
  "ends everything that was accepted, as it had to, when all is well again",
  async () => {
    await load.stop(20_000);

    expect(await drain(ground, drainLimitMs)).toBe(true);
    last = await check({ ground, load, outside }, { atRest: true });

    expect(load.accepted.length).toBeGreaterThan(100);
    expect(listFindings(last.findings)).toEqual([]);
    expect(ground.unexpectedEnds).toEqual([]);
  },
  drainLimitMs + 60_000,
);

/** One line for each fault, in `test-results/faults.md`. */
async function writeReport(): Promise<void> {
  if (last === undefined) return;
  const report = toReport({
    seed,
    broker: "mixed",
    startedMs,
    loadEndedMs: Date.now(),
    accepted: load.accepted.length,
    unknown: load.unknown,
    drainedMs: undefined,
    outcomes,
    checked: last,
    violations: listFindings(last.findings),
    unexpectedEnds: ground.unexpectedEnds,
  });
  const folder = join(import.meta.dirname, "../test-results");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "faults.md"), toMarkdown(report));
}
