import { FigureCollector } from "../measure/figure.ts";
import { serverConditions } from "../peers/conditions.ts";
import { rateOf, turned, withPeer } from "../peers/measure-peer.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

/** How many are done while it is measured. */
const jobs = 20_000;
const shallow = 1_000;
const deep = 1_000_000;
const target = { aim: 20, floor: 35 };

/** Whether claiming gets slower when very many jobs wait, and while very many are done. */
export const queueFlatness: Benchmark = {
  name: "queue-flatness",
  description: `The rate at which one worker process claims and does ${jobs} jobs that do nothing: when 1,000 are left behind them; the first of 1,000,000; and the last of those, when the worker has done all others. Jobs of 1,000 owners, each queue in a database of its own. "slower": how much a rate is below the first.`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.ceil(jobs * scale);
    for (let run = 1; run <= runs; run += 1) {
      const measure = async (depth: number): Promise<Rates> => {
        say(`queue-flatness: run ${run} of ${runs}, ${depth} queued`);
        return await measureAtDepth(Math.max(depth * scale, count + shallow * scale), count);
      };
      const rates = new Map<number, Rates>();
      for (const depth of turned([shallow, deep], run)) rates.set(depth, await measure(depth));
      const few = rates.get(shallow)?.first ?? Number.NaN;
      const { first, last } = rates.get(deep) ?? { first: Number.NaN, last: Number.NaN };
      const slower = (rate: number): number => 100 - (100 * rate) / few;
      figures.add("1,000 queued", "jobs/s", few);
      figures.add("1,000,000 queued", "jobs/s", first);
      figures.add("slower", "%", slower(first), target);
      figures.add("the last of 1,000,000", "jobs/s", last);
      figures.add("the last slower", "%", slower(last), target);
    }
    return figures.figures();
  },
};

type Rates = { readonly first: number; readonly last: number };

async function measureAtDepth(depth: number, count: number): Promise<Rates> {
  const all = Math.ceil(depth);
  return await withPeer("millrace", async ({ start, settle }) => {
    const producer = await start();
    await producer.ask({ do: "add_many", count: all });
    await producer.stop();
    await settle();
    const worker = await start();
    await worker.ask({ do: "start_worker", jobMs: 0 });
    const first = rateOf(count, await worker.ask({ do: "wait_until_handled", count }));
    const before = await worker.ask({ do: "wait_until_handled", count: all - count });
    const done = await worker.ask({ do: "wait_until_handled", count: all });
    return { first, last: rateOf(count, { ...done, beganMs: before.endedMs }) };
  });
}
