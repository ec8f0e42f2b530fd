import { FigureCollector } from "../measure/figure.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { callMs, measureModelCalls, slots } from "./model-calls.ts";

const workers = 2;
const calls = 20_000;
const target = { aim: 95, floor: 85 };

/** Whether worker processes can keep thousands of slow model calls in flight. */
export const scaleModels: Benchmark = {
  name: "scale-models",
  description: `${calls} jobs of an own task that each make one call of a chat model (${callMs / 1000} s, a fake OpenAI-compatible server on the same machine), in ${workers} processes of \`millrace worker --concurrency ${slots}\` behind pgBouncer in transaction mode, one direct connection each for hints and one for heartbeats; one call for each slot has warmed them up, and all jobs are added before. From the first claim to the last end that is recorded, against ${(workers * slots * 1000) / callMs} calls a second; before, the same by bare fetches without jobs, guard and database. Memory: the most that one worker process took, with its children. Connections: the most that PostgreSQL had for this database, of all processes, pgBouncer's among them.`,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.max(workers * slots, Math.ceil(calls * scale));
    for (let run = 1; run <= runs; run += 1) {
      say(`scale-models: run ${run} of ${runs}`);
      await measureModelCalls(figures, { workers, calls: count, target });
    }
    return figures.figures();
  },
};
