import { join } from "node:path";
import { runProgram } from "./run-program.ts";
import type { ProgramResult } from "./run-program.ts";

/** One guard: what it is called in the table, and the program that fails when the guard is broken. */
type Step = { readonly name: string; readonly command: readonly string[] };

type Outcome = { readonly step: Step; readonly result: ProgramResult };

const root = join(import.meta.dirname, "..");
const programs = join(root, "node_modules/.bin");
const node = process.execPath;
const stepTimeoutMs = 180_000;

const unitTests: Step = {
  name: "unit tests",
  command: [join(programs, "vitest"), "run", "--project=unit", "--reporter=dot"],
};

// The longest first, so that the short ones fill the second place while it runs.
const steps: readonly Step[] = [
  // For those who run all tests next.
  ...(process.argv.includes("--without-tests") ? [] : [unitTests]),
  { name: "lint", command: [join(programs, "oxlint")] },
  { name: "types", command: [join(programs, "tsc"), "--noEmit", "-p", "tsconfig.json"] },
  {
    name: "types of the web app",
    command: [join(programs, "tsc"), "--noEmit", "-p", "apps/web/tsconfig.json"],
  },
  { name: "unused code", command: [join(programs, "knip"), "--no-config-hints"] },
  { name: "unused code, strict", command: [join(programs, "knip"), "--strict", "--no-config-hints"] },
  { name: "format", command: [join(programs, "oxfmt"), "--check", "."] },
  { name: "boundaries", command: [node, "scripts/boundaries.ts"] },
  { name: "lock file", command: [node, "scripts/complete-lockfile.ts", "--check"] },
  { name: ".env.example", command: [node, "apps/server/scripts/write-env-example.ts", "--check"] },
];

// Two, as on the machines that build this: more would only make the steps wait for each other.
const concurrency = 2;

const startedAt = performance.now();
const outcomes: Outcome[] = [];
const waiting = [...steps];
await Promise.all(Array.from({ length: concurrency }, runWaiting));

const failures = outcomes.filter((outcome) => outcome.result.exitCode !== 0);
for (const { step, result } of failures) {
  console.log(`\n── ${step.name} ──\n${result.output.trim().slice(-12_000)}`);
}
console.log("");
for (const step of steps) console.log(tableLine(step));
console.log(`\n${steps.length} checks in ${seconds(startedAt)}, ${failures.length} with findings`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function runWaiting(): Promise<void> {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    const [command = "", ...commandArguments] = step.command;
    const result = await runProgram(command, commandArguments, {
      workingDirectory: root,
      timeoutMs: stepTimeoutMs,
      // The programs are started directly, so the pinned Node must be found by their first line.
      environment: { PATH: `${programs}:${process.env.PATH ?? ""}` },
    });
    outcomes.push({ step, result });
  }
}

function tableLine(step: Step): string {
  const outcome = outcomes.find((candidate) => candidate.step === step);
  const word = outcome?.result.exitCode === 0 ? "ok    " : "FAILED";
  return `${word}  ${step.name.padEnd(24)} ${((outcome?.result.durationMs ?? 0) / 1000).toFixed(1).padStart(6)} s`;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
