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
import { HealthWatch } from "./health/health-watch.ts";
import { Load } from "./load/load.ts";
import { Outside } from "./load/outside.ts";
import { Random } from "./load/random.ts";
import { toMarkdown, toReport } from "./report.ts";

/** Faults one after the other, under a load that goes on: by night each once. `npm run chaos` breaks things at random. */

const seed = 20_261_121;
const isNightly = process.env.MILLRACE_NIGHTLY === "1";
// Longer than a lease, so that those who stand still lose theirs; the full minute without brokers is for the night.
const maxHoldMs = isNightly ? Infinity : (leaseSeconds + 1) * 1000;
const drainLimitMs = 90_000;

/** Of a kind with others that the gate has here or in tests of their own: its time is short. */
const byNight = new Set([
  "api-frozen",
  "rolling-restart",
  "database-clock-jumped",
  "rabbitmq-memory-alarm",
  "postgres-restarted",
  "postgres-sessions-ended",
  "redis-restarted",
  "rabbitmq-restarted",
  "rabbitmq-queues-broken",
  "hints-late",
  "black-hole-to-client",
  "half-close-to-client",
  "cut-after-bytes-to-server",
  "connections-refused",
  "network-slow",
  "worker-clock-jumped",
]);

const random = new Random(seed);
const outside = new Outside();
const outcomes: Outcome[] = [];
let ground: Ground;
let load: Load;
let health: HealthWatch;
let startedMs: number;
let last: Checked | undefined;

beforeAll(async () => {
  ground = await openGround({ broker: "mixed", outside: await outside.start() });
  load = new Load({
    addresses: addressesOf(ground),
    seed,
    clients: 4,
    pauseMs: 250,
    countOpen: () => countOpen(ground.database).catch(() => undefined),
  });
  health = new HealthWatch(ground.seats.map(({ member }) => member));
  startedMs = Date.now();
  health.start();
  load.start();
}, 180_000);
afterAll(async () => {
  await health?.stop();
  await load?.stop(0);
  await writeReport();
  await ground?.stop();
  await outside.stop();
}, 60_000);

it.each(isNightly ? allFaults : allFaults.filter(({ name }) => !byNight.has(name)))(
  "works on, loses nothing and does nothing twice: $name",
  async (fault) => {
    const outcome = await suffer({ ground, health }, fault, { random: random.fork(), maxHoldMs });
    outcomes.push(outcome);

    const checked = await check({ ground, load, outside }, { atRest: false });

    expect(listFindings(checked.findings)).toEqual([]);
    expect(outcome.recoveryMs).toBeLessThan(recoveryLimitMs);
    expect(outcome.untold).toEqual([]);
  },
  300_000,
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
    expect(health.blocked).toEqual([]);
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
    longestLivezMs: health.longestLivezMs,
    slowLivez: health.slowLivez,
    longestOwnStallMs: health.stalls.longestMs,
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
