import { FigureCollector } from "../measure/figure.ts";
import { serverConditions } from "../peers/conditions.ts";
import { rateOf, turned, withPeer } from "../peers/measure-peer.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

/** How many are done while it is measured. */
const jobs = 20_000;
const depths = [1_000, 1_000_000] as const;
const target = { aim: 20, floor: 35 };

/** Whether claiming gets slower when very many jobs wait. */
export const queueFlatness: Benchmark = {
  name: "queue-flatness",
  description: `The rate at which one worker process claims and does ${jobs} jobs that do nothing, when 1,000 are left behind them and when the queue holds 1,000,000, each of 1,000 owners; each in a database of its own. "slower": how much the second rate is below the first.`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.ceil(jobs * scale);
    for (let run = 1; run <= runs; run += 1) {
      const rates = new Map<number, number>();
      for (const depth of turned(depths, run)) {
        say(`queue-flatness: run ${run} of ${runs}, ${depth} queued`);
        rates.set(depth, await measureAtDepth(Math.max(depth * scale, count + depths[0] * scale), count));
      }
      const [shallow, deep] = depths.map((depth) => rates.get(depth) ?? Number.NaN);
      figures.add("1,000 queued", "jobs/s", shallow ?? Number.NaN);
      figures.add("1,000,000 queued", "jobs/s", deep ?? Number.NaN);
      figures.add("slower", "%", 100 - (100 * (deep ?? Number.NaN)) / (shallow ?? Number.NaN), target);
    }
    return figures.figures();
  },
};

async function measureAtDepth(depth: number, count: number): Promise<number> {
  return await withPeer("millrace", async ({ start, settle }) => {
    const producer = await start();
    await producer.ask({ do: "add_many", count: Math.ceil(depth) });
    await producer.stop();
    await settle();
    const worker = await start();
    await worker.ask({ do: "start_worker", jobMs: 0 });
    return rateOf(count, await worker.ask({ do: "wait_until_handled", count }));
  });
}
