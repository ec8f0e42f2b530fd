import { randomInt } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { runProgram } from "./run-program.ts";
import { countTests, listTests } from "./test-report.ts";
import type { TestEntry } from "./test-report.ts";

/*
 * The long run: tests that read MILLRACE_NIGHTLY=1 do many rounds instead of one. Everything must be
 * available, nothing is left out, and the report stays in docs/reports.
 */

const root = join(import.meta.dirname, "..");
const runTimeoutMs = 9 * 60 * 60_000;
const chaosMinutes = process.env.MILLRACE_CHAOS_MINUTES ?? "60";

const startedAt = new Date();
// Other sequences of commands each night; a seed that was given is tried again.
const modelSeed = process.env.MILLRACE_MODEL_SEED ?? String(randomInt(2 ** 31));
const run = await runProgram(process.execPath, [join(root, "scripts/test.ts"), ...process.argv.slice(2)], {
  workingDirectory: root,
  echo: true,
  timeoutMs: runTimeoutMs,
  environment: {
    MILLRACE_NIGHTLY: "1",
    MILLRACE_REQUIRE: "postgres,pgbouncer,redis,rabbitmq,chromium,clamd",
    MILLRACE_MODEL_RUNS: process.env.MILLRACE_MODEL_RUNS ?? "10000",
    MILLRACE_MODEL_SEED: modelSeed,
  },
});
// Installs its own Debian 12 the first time.
const older = await runProgram(process.execPath, [join(root, "scripts/older-rabbitmq.ts")], {
  workingDirectory: root,
  echo: true,
  timeoutMs: runTimeoutMs,
});
// Afterwards, because it takes what it needs of the machine; its report stays beside this one.
const chaos = await runProgram(
  process.execPath,
  [join(root, "chaos/run.ts"), "--minutes", chaosMinutes, "--report"],
  { workingDirectory: root, echo: true, timeoutMs: runTimeoutMs },
);
// On an empty database for hours, or thousands of sockets: nobody waits for these by day.
const bench = await runProgram(
  process.execPath,
  [
    join(root, "bench/run.ts"),
    ...["--only", "queue-churn", "--only", "scale-sockets", "--runs", "1", "--check"],
    ...["--report", join(root, `docs/reports/nightly-${startedAt.toISOString().slice(0, 10)}-bench.md`)],
  ],
  { workingDirectory: root, echo: true, timeoutMs: runTimeoutMs },
);
const commit = await runProgram("git", ["log", "-1", "--format=%h %s"], { workingDirectory: root });
const reportText = await readFile(join(root, "test-results/vitest.json"), "utf8").catch(() => undefined);

const path = join(root, `docs/reports/nightly-${startedAt.toISOString().slice(0, 10)}.md`);
await mkdir(join(root, "docs/reports"), { recursive: true });
await writeFile(path, report(reportText));
console.log(`\nReport: ${path}`);
process.exitCode = [run, older, chaos, bench].find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0;

function report(text: string | undefined): string {
  const counts = text === undefined ? { passed: 0, failed: 1, skipped: 0 } : countTests(text);
  const tests = text === undefined ? [] : listTests(text);
  const failed = tests.filter((test) => test.status === "failed");
  const slowest = tests.toSorted((left, right) => right.durationMs - left.durationMs).slice(0, 25);
  return [
    `# Nightly run of ${startedAt.toISOString().slice(0, 10)}`,
    "",
    `- Result: ${run.exitCode === 0 ? "passed" : "FAILED"}; ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
    `- Commit: ${commit.output.trim()}`,
    `- Duration: ${(run.durationMs / 60_000).toFixed(1)} minutes, from ${startedAt.toISOString()}`,
    `- Machine: ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GB, load ${loadavg()[0]?.toFixed(1)} at the end`,
    `- Broker tests with RabbitMQ 3.10: ${older.exitCode === 0 ? "passed" : "FAILED"}`,
    `- Chaos of ${chaosMinutes} minutes: ${chaos.exitCode === 0 ? "nothing lost, nothing done twice" : "FAILED"}; its own report says more`,
    `- Long benchmarks (queue-churn, scale-sockets): ${bench.exitCode === 0 ? "no figure beyond its floor" : "FAILED"}; their own report says more`,
    `- Node ${process.versions.node}`,
    `- The queue's model test: seed ${modelSeed}`,
    "",
    ...table("Failed", failed),
    ...table("Slowest", slowest),
  ].join("\n");
}

function table(title: string, tests: readonly TestEntry[]): string[] {
  if (tests.length === 0) return [];
  const rows = tests.map(
    (test) => `| ${test.name.replaceAll("|", "\\|")} | ${(test.durationMs / 1000).toFixed(1)} |`,
  );
  return [`## ${title}`, "", "| Test | Seconds |", "| --- | ---: |", ...rows, ""];
}
