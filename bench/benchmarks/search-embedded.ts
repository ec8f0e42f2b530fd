import { monitorEventLoopDelay } from "node:perf_hooks";
import { openEmbedded } from "@millrace/database";
import { parseQuery, searchPassages } from "@millrace/search";
import { sleep } from "@millrace/kernel";
import { SearchCorpus } from "../material/search-corpus.ts";
import { FigureCollector } from "../measure/figure.ts";
import { percentile } from "../measure/statistics.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const chunks = 10_000;
const searchesPerSecond = 5;
const searches = 100;
const idleMs = 3_000;
const millisecond = 1_000_000;

/** Whether the embedded database keeps the main thread free while passages are stored and looked for. */
export const searchEmbedded: Benchmark = {
  name: "search-embedded",
  description: `${chunks} passages of one owner with vectors of ${SearchCorpus.dimensions} numbers in the embedded database, then ${searches} hybrid searches, ${searchesPerSecond} a second, started on time whatever the former do. Event-loop delay: the time between ticks of a 10 ms timer on the main thread (so 10 is none); its floor is the same thread idle in the same run.`,
  isLong: true,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`search-embedded: run ${run} of ${runs}`);
      await withTemporaryFolder(async (folder) => {
        const database = await openEmbedded(folder);
        try {
          await measure(figures, await SearchCorpus.create(database), Math.ceil(chunks * scale));
        } finally {
          await database.close();
        }
      });
    }
    return figures.figures();
  },
};

async function measure(figures: FigureCollector, corpus: SearchCorpus, count: number): Promise<void> {
  const idle = await delayWhile(() => sleep(idleMs));
  figures.add("floor: event-loop delay, idle, p99", "ms", idle);
  const beganMs = performance.now();
  const [owner = ""] = await corpus.store({ count, owners: 1, shares: [1] });
  figures.add("stored", "passages/s", (count * 1000) / (performance.now() - beganMs));
  const taken: number[] = [];
  const delay = await delayWhile(async () => {
    const startMs = performance.now();
    const running: Promise<void>[] = [];
    for (let at = 0; at < searches; at += 1) {
      const dueMs = startMs + (at * 1000) / searchesPerSecond;
      await sleep(Math.max(0, dueMs - performance.now()));
      running.push(ask(corpus, owner).then(() => void taken.push(performance.now() - dueMs)));
    }
    await Promise.all(running);
  });
  figures.add("event-loop delay while searching, p99", "ms", delay, { aim: 50, floor: 100 });
  figures.add("hybrid, p50", "ms", percentile(taken, 0.5));
  figures.add("hybrid, p95", "ms", percentile(taken, 0.95));
}

async function ask(corpus: SearchCorpus, workspaceId: string): Promise<void> {
  await searchPassages(corpus.database, {
    ...{ workspaceId, query: parseQuery(corpus.words()), limit: 10, asked: "" },
    vector: { model: SearchCorpus.model, isBuiltIn: false, vector: corpus.vector() },
  });
}

/** The 99th percentile of the loop's delay meanwhile. */
async function delayWhile(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  await work();
  histogram.disable();
  return histogram.percentile(99) / millisecond;
}
