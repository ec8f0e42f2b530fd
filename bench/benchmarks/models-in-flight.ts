import { FigureCollector } from "../measure/figure.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { callMs, measureModelCalls, slots } from "./model-calls.ts";

const calls = 10_000;
const target = { aim: 95, floor: 90 };

/** Whether one worker process keeps as many slow model calls in flight as it has slots. */
export const modelsInFlight: Benchmark = {
  name: "models-in-flight",
  description: `${calls} jobs that each make one guarded call of a chat model (${callMs / 1000} s, a fake OpenAI-compatible server on the same machine), in one process of \`millrace worker --concurrency ${slots}\` behind pgBouncer; one call for each slot has warmed it up, and all jobs are added before. From the first claim to the last end that is recorded, against ${(slots * 1000) / callMs} calls a second; before, the same by bare fetches without jobs, guard and database.`,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.max(slots, Math.ceil((calls * scale) / slots) * slots);
    for (let run = 1; run <= runs; run += 1) {
      say(`models-in-flight: run ${run} of ${runs}`);
      await measureModelCalls(figures, { workers: 1, calls: count, target });
    }
    return figures.figures();
  },
};
