import { cpus, loadavg, totalmem } from "node:os";
import type { Checked, Findings } from "./check/check.ts";
import type { Facts } from "./check/facts.ts";
import { recoveryFormulaMs } from "./experiment.ts";
import type { Outcome } from "./experiment.ts";

/** What a run has to say, as numbers. */
export type Report = {
  readonly seed: number;
  readonly broker: string;
  readonly minutes: number;
  readonly startedAt: string;
  readonly machine: string;
  readonly accepted: number;
  /** Requests given up without an answer; what became of them is checked as far as they are there. */
  readonly unknown: number;
  readonly lost: number;
  readonly committedTwice: number;
  readonly recordedStepsRepeated: number;
  readonly inFlightRepeats: number;
  readonly longestStallMs: number;
  /** Null when nothing was broken. */
  readonly longestRecoveryMs: number | null;
  /** Of processes that were up. */
  readonly longestLivezMs: number;
  /** Answers of theirs that took more than a second. */
  readonly slowLivez: number;
  readonly longestOwnStallMs: number;
  readonly drainedMs: number | null;
  readonly faults: readonly FaultLine[];
  /** Processes that ended though nobody had ended them. */
  readonly unexpectedEnds: readonly { readonly name: string; readonly output: string }[];
  /** Empty when all is well. */
  readonly violations: readonly string[];
};

export type FaultLine = Pick<Outcome, "fault" | "what" | "recoveryMs" | "wellMs"> & {
  /** Null when nobody had to show it. */
  readonly shownMs: number | null;
  readonly lastedMs: number;
  /** The longest time without the end of any job, from its beginning to the recovery. */
  readonly stallMs: number;
};

export type RunResult = {
  readonly seed: number;
  readonly broker: string;
  readonly startedMs: number;
  readonly loadEndedMs: number;
  readonly accepted: number;
  readonly unknown: number;
  readonly longestLivezMs: number;
  readonly slowLivez: number;
  readonly longestOwnStallMs: number;
  readonly drainedMs: number | undefined;
  readonly outcomes: readonly Outcome[];
  readonly checked: Checked;
  readonly violations: readonly string[];
  readonly unexpectedEnds: Report["unexpectedEnds"];
};

export function toReport(result: RunResult): Report {
  const { checked, startedMs, loadEndedMs } = result;
  const { findings, facts, inFlightRepeats }: Checked = checked;
  return {
    seed: result.seed,
    broker: result.broker,
    minutes: Math.round((loadEndedMs - startedMs) / 6000) / 10,
    startedAt: new Date(startedMs).toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GB, load ${loadavg()[0]?.toFixed(1)} at the end; Node ${process.versions.node}`,
    accepted: result.accepted,
    unknown: result.unknown,
    ...countsOf(findings),
    inFlightRepeats,
    longestStallMs: longestStallMs(facts, startedMs, loadEndedMs),
    longestRecoveryMs: longestOf(result.outcomes.map(({ recoveryMs }) => recoveryMs)),
    longestLivezMs: Math.round(result.longestLivezMs),
    slowLivez: result.slowLivez,
    longestOwnStallMs: Math.round(result.longestOwnStallMs),
    drainedMs: result.drainedMs ?? null,
    faults: result.outcomes.map(({ fault, what, shownMs, recoveryMs, wellMs, beganMs, healedMs }) => ({
      fault,
      what,
      shownMs: shownMs ?? null,
      recoveryMs,
      wellMs,
      lastedMs: healedMs - beganMs,
      stallMs: longestStallMs(facts, beganMs, healedMs + recoveryMs),
    })),
    unexpectedEnds: result.unexpectedEnds,
    violations: result.violations,
  };
}

function countsOf(findings: Findings): Pick<Report, "lost" | "committedTwice" | "recordedStepsRepeated"> {
  return {
    lost: findings.lost.length,
    committedTwice: findings.committedTwice.length,
    recordedStepsRepeated: findings.recordedStepsRepeated.length,
  };
}

/** The longest time between two moments at which a job ended, under a load that never pauses. */
export function longestStallMs({ jobs }: Pick<Facts, "jobs">, fromMs: number, untilMs: number): number {
  const ends = jobs
    .flatMap(({ finishedMs }) => (finishedMs === null ? [] : [finishedMs]))
    .filter((atMs) => atMs > fromMs && atMs < untilMs)
    .toSorted((left, right) => left - right);
  const marks = [fromMs, ...ends, untilMs];
  return Math.round(
    marks.reduce((longest, atMs, index) => Math.max(longest, atMs - (marks[index - 1] ?? atMs)), 0),
  );
}

export function toMarkdown(report: Report): string {
  const lines = report.faults.map(
    ({ fault, what, lastedMs, stallMs, shownMs, recoveryMs, wellMs }) =>
      `| ${fault} | ${what} | ${seconds(lastedMs)} | ${seconds(stallMs)} | ${shownMs === null ? "" : seconds(shownMs)} | ${seconds(recoveryMs)} | ${seconds(wellMs)} |`,
  );
  return [
    `# Chaos run of ${report.startedAt.slice(0, 16).replace("T", " ")} UTC`,
    "",
    `Seed ${report.seed}, broker ${report.broker}, ${report.minutes} minutes under load, on ${report.machine}.`,
    "",
    "|  |  |",
    "| --- | ---: |",
    `| requests accepted | ${report.accepted} |`,
    `| lost | ${report.lost} |`,
    `| committed twice | ${report.committedTwice} |`,
    `| recorded steps repeated | ${report.recordedStepsRepeated} |`,
    `| steps repeated that were in flight | ${report.inFlightRepeats} |`,
    `| requests without an answer | ${report.unknown} |`,
    `| longest time without the end of a job | ${seconds(report.longestStallMs)} s |`,
    `| longest recovery (a lease, its reaping and a poll: ${seconds(recoveryFormulaMs)} s) | ${report.longestRecoveryMs === null ? "" : `${seconds(report.longestRecoveryMs)} s`} |`,
    `| longest wait for /livez of a process that was up | ${seconds(report.longestLivezMs)} s |`,
    `| … answers of /livez after more than a second | ${report.slowLivez} |`,
    `| longest time in which not even the watch was let run, which is not counted above | ${seconds(report.longestOwnStallMs)} s |`,
    `| everything ended after the last fault | ${report.drainedMs === null ? "never" : `${seconds(report.drainedMs)} s`} |`,
    `| processes that ended by themselves | ${report.unexpectedEnds.length} |`,
    "",
    "Seconds. Shown: from its beginning until /readyz of everyone concerned showed it; empty where nothing has to be shown. Recovery: from its end to the end of the first job asked for after it. Well: from its end until /readyz of every process says that nothing is wrong.",
    "",
    "| fault | what happens | lasted | longest stall | shown | recovery | well |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ...lines,
    "",
    report.violations.length === 0
      ? "Nothing was violated."
      : `## Violated\n\n${report.violations
          .slice(0, 100)
          .map((violation) => `- ${violation}`)
          .join("\n")}`,
    "",
    ...report.unexpectedEnds.map(
      ({ name, output }) => `${name} ended by itself:\n\n\`\`\`\n${output}\n\`\`\`\n`,
    ),
  ].join("\n");
}

function longestOf(durationsMs: readonly number[]): number | null {
  return durationsMs.length === 0 ? null : Math.max(...durationsMs);
}

function seconds(durationMs: number): string {
  return (durationMs / 1000).toFixed(1);
}
