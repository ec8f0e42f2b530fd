import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { toError } from "@millrace/kernel";
import { readArguments, usage } from "./arguments.ts";
import type { ChaosArguments } from "./arguments.ts";
import { check, drain, listFindings } from "./check/check.ts";
import { countOpen } from "./check/facts.ts";
import { addressesOf, suffer } from "./experiment.ts";
import type { Outcome } from "./experiment.ts";
import { faultsFor, getFault } from "./faults/all-faults.ts";
import { openGround } from "./ground/ground.ts";
import type { Ground } from "./ground/ground.ts";
import { HealthWatch } from "./health/health-watch.ts";
import { Load } from "./load/load.ts";
import { Outside } from "./load/outside.ts";
import { Random } from "./load/random.ts";
import { toMarkdown, toReport } from "./report.ts";
import type { Report } from "./report.ts";

/* `npm run chaos`: everything real, broken at random, and then counted. See `usage`. */

const drainLimitMs = 180_000;
const graceMs = 20_000;
/** Between two faults, so that some meet a system that has not quite come back. */
const pauseMs = { low: 500, high: 6000 };

const interrupted = new AbortController();
/** What must be done before this process may leave. */
let leave: () => Promise<void> = () => Promise.resolve();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second one does not wait for a report.
    if (interrupted.signal.aborted) {
      void leave().finally(() => process.exit(130));
      return;
    }
    say("Stopping: what runs is ended and checked. Once more to leave at once.");
    interrupted.abort();
  });
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}

async function main(options: ChaosArguments): Promise<number> {
  const length = options.isOnce ? "each fault once" : `${options.minutes} minutes`;
  say(`Seed ${options.seed}, broker ${options.broker}, ${length}. Starting servers …`);
  const outside = new Outside();
  try {
    const ground = await openGround({ broker: options.broker, outside: await outside.start() });
    leave = () => ground.place.clear();
    try {
      const report = await runOn(ground, outside, options);
      await publish(report, options);
      return report.violations.length === 0 ? 0 : 1;
    } finally {
      await ground.stop();
    }
  } finally {
    await outside.stop();
  }
}

async function runOn(ground: Ground, outside: Outside, options: ChaosArguments): Promise<Report> {
  const random = new Random(options.seed);
  const load = new Load({
    addresses: addressesOf(ground),
    seed: options.seed,
    clients: 6,
    pauseMs: 200,
    countOpen: () => countOpen(ground.database).catch(() => undefined),
  });
  const health = new HealthWatch(ground.seats.map(({ member }) => member));
  const startedMs = Date.now();
  health.start();
  load.start();
  const { outcomes, failures } = await breakThings({ ground, health }, random, options);
  const loadEndedMs = Date.now();
  await health.stop();
  await load.stop(graceMs);
  say(`${load.accepted.length} requests accepted. Waiting for the rest to end …`);
  const isDrained = await drain(ground, drainLimitMs);
  const drainedMs = isDrained ? Date.now() - loadEndedMs : undefined;
  const checked = await check({ ground, load, outside }, { atRest: true });
  return toReport({
    seed: options.seed,
    broker: options.broker,
    startedMs,
    loadEndedMs,
    accepted: load.accepted.length,
    unknown: load.unknown,
    longestLivezMs: health.longestLivezMs,
    slowLivez: health.slowLivez,
    longestOwnStallMs: health.stalls.longestMs,
    drainedMs,
    outcomes,
    checked,
    violations: [...failures, ...health.blocked, ...listFindings(checked.findings)],
    unexpectedEnds: ground.unexpectedEnds,
  });
}

async function breakThings(
  parts: { readonly ground: Ground; readonly health: HealthWatch },
  random: Random,
  { minutes, isOnce, faults: names }: ChaosArguments,
): Promise<{ readonly outcomes: Outcome[]; readonly failures: string[] }> {
  const faults = names.length === 0 ? faultsFor(parts.ground) : names.map(getFault);
  const deadline = isOnce ? Infinity : performance.now() + minutes * 60_000;
  const outcomes: Outcome[] = [];
  const failures: string[] = [];
  // Every fault once before any comes again, in an order of its own each time.
  let coming = [...faults];
  while (coming.length > 0 && performance.now() < deadline && !interrupted.signal.aborted) {
    await delay(random.between(pauseMs.low, pauseMs.high), undefined, { signal: interrupted.signal }).catch(
      () => undefined,
    );
    const fault = random.pick(coming);
    coming = coming.filter((other) => other !== fault);
    if (coming.length === 0 && !isOnce) coming = [...faults];
    say(fault.what);
    try {
      const outcome = await suffer(parts, fault, { random: random.fork() });
      outcomes.push(outcome);
      failures.push(...outcome.untold.map((words) => `${fault.name}: ${words}`));
      say(
        `  … recovered after ${seconds(outcome.recoveryMs)} s, all well after ${seconds(outcome.wellMs)} s`,
      );
      for (const trouble of outcome.lastTroubles) say(`    at last ${trouble}`);
    } catch (thrown) {
      failures.push(`${fault.name}: ${toError(thrown).message}`);
      say(`  … ${toError(thrown).message}`);
    }
  }
  return { outcomes, failures };
}

function seconds(durationMs: number): string {
  return (durationMs / 1000).toFixed(1);
}

async function publish(report: Report, { isJson, isOnce, isReportKept }: ChaosArguments): Promise<void> {
  const markdown = toMarkdown(report);
  process.stdout.write(isJson ? `${JSON.stringify(report, undefined, 2)}\n` : markdown);
  if (!isReportKept) return;
  const folder = join(import.meta.dirname, "../docs/reports");
  await mkdir(folder, { recursive: true });
  const name = `${isOnce ? "faults" : "chaos"}-${report.startedAt.slice(0, 10)}-${report.broker}.md`;
  const path = join(folder, name);
  await writeFile(path, markdown);
  say(`Report: ${path}`);
}

async function runCommand(words: readonly string[]): Promise<number> {
  let options: ChaosArguments;
  try {
    options = readArguments(words);
  } catch (thrown) {
    process.stderr.write(`${toError(thrown).message}\n\n${usage}\n`);
    return 2;
  }
  return await main(options);
}

const exitCode = await runCommand(process.argv.slice(2));
// Everything has stopped; the pipe of a process that was killed must not keep this one.
process.exit(exitCode);
