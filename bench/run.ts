import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { toError } from "@millrace/kernel";
import type { Benchmark } from "./benchmarks/benchmark.ts";
import { firstEvent } from "./benchmarks/first-event.ts";
import { modelsBuiltIn } from "./benchmarks/models-built-in.ts";
import { modelsGuard } from "./benchmarks/models-guard.ts";
import { modelsInFlight } from "./benchmarks/models-in-flight.ts";
import { modelsLimits } from "./benchmarks/models-limits.ts";
import { modelsResume } from "./benchmarks/models-resume.ts";
import { modelsReuse } from "./benchmarks/models-reuse.ts";
import { modelsStorm } from "./benchmarks/models-storm.ts";
import { postDocument } from "./benchmarks/post-document.ts";
import { queueChurn } from "./benchmarks/queue-churn.ts";
import { queueCost } from "./benchmarks/queue-cost.ts";
import { queueEnqueue } from "./benchmarks/queue-enqueue.ts";
import { queueEnqueueWhileProcessing } from "./benchmarks/queue-enqueue-while-processing.ts";
import { queueFlatness } from "./benchmarks/queue-flatness.ts";
import { queueLatency } from "./benchmarks/queue-latency.ts";
import { queueThroughput } from "./benchmarks/queue-throughput.ts";
import { queueWaiting } from "./benchmarks/queue-waiting.ts";
import { scaleBrokers } from "./benchmarks/scale-brokers.ts";
import { scaleIdle } from "./benchmarks/scale-idle.ts";
import { scaleModels } from "./benchmarks/scale-models.ts";
import { scaleSockets } from "./benchmarks/scale-sockets.ts";
import { search } from "./benchmarks/search.ts";
import { searchEmbedded } from "./benchmarks/search-embedded.ts";
import { searchQuality } from "./benchmarks/search-quality.ts";
import { searchUpload } from "./benchmarks/search-upload.ts";
import { start } from "./benchmarks/start.ts";
import { throughput } from "./benchmarks/throughput.ts";
import { verdictOf } from "./measure/figure.ts";
import { loadLine, machineConditions } from "./measure/machine.ts";
import { figureTable } from "./measure/table.ts";

const benchmarks: readonly Benchmark[] = [
  start,
  firstEvent,
  postDocument,
  throughput,
  queueThroughput,
  queueCost,
  queueEnqueue,
  queueEnqueueWhileProcessing,
  queueLatency,
  queueWaiting,
  queueFlatness,
  queueChurn,
  scaleBrokers,
  scaleIdle,
  scaleModels,
  scaleSockets,
  search,
  searchEmbedded,
  searchUpload,
  searchQuality,
  modelsBuiltIn,
  modelsGuard,
  modelsInFlight,
  modelsLimits,
  modelsReuse,
  modelsResume,
  modelsStorm,
];

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    runs: { type: "string", default: "3" },
    /** Of the jobs that the benchmarks of the queue do. */
    scale: { type: "string", default: "1" },
    report: { type: "string" },
    /** Exit code 1 when a figure is beyond its floor. */
    check: { type: "boolean", default: false },
  },
});

const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1 || runs > 20)
  throw new Error("--runs must be a whole number from 1 to 20.");
const scale = Number(values.scale);
if (!(scale > 0 && scale <= 1)) throw new Error("--scale must be above 0 and at most 1.");
const names = benchmarks.map(({ name }) => name);
const unknown = values.only.find((name) => !names.includes(name));
if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${names.join(", ")}.`);

// The "exit" event, on which children are killed, does not come by itself after a signal.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const sections = [
  ["# Benchmarks", ...(await machineConditions()).map((line) => `- ${line}`)].join("\n"),
  ...(runs < 3 ? ["Fewer than three runs: a look, not a result."] : []),
  ...(scale < 1 ? [`Only ${scale * 100} % of the queue's jobs: a look, not a result.`] : []),
];
console.log(sections.join("\n\n"));
for (const benchmark of benchmarks) {
  const isMeant = values.only.length > 0 ? values.only.includes(benchmark.name) : benchmark.isLong !== true;
  if (!isMeant) continue;
  const section = await runOne(benchmark);
  sections.push(section);
  console.log(`\n${section}`);
}
if (values.report !== undefined) await writeFile(values.report, `${sections.join("\n\n")}\n`);

/** One that cannot run must not take the others' figures with it; the exit code tells. */
async function runOne(benchmark: Benchmark): Promise<string> {
  const before = loadLine();
  const head = `## ${benchmark.name}\n\n${benchmark.description}`;
  try {
    const conditions = await benchmark.conditions?.();
    const figures = await benchmark.run({ runs, scale, say: (line) => console.error(line) });
    const isBeyond = figures.some((figure) => verdictOf(figure) === "beyond the floor");
    if (values.check && isBeyond) process.exitCode = 1;
    const foot = conditions === undefined ? "" : `\n\n${conditions}`;
    return `${head}${foot}\n\n${figureTable(figures)}\n\nBefore: ${before}. After: ${loadLine()}.`;
  } catch (error) {
    process.exitCode = 1;
    return `${head}\n\nCould not be measured: ${toError(error).message}`;
  }
}
