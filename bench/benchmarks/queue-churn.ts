import { sql } from "kysely";
import { FigureCollector } from "../measure/figure.ts";
import { serverConditions } from "../peers/conditions.ts";
import { withPeer } from "../peers/measure-peer.ts";
import type { PeerProcess } from "../peers/peer-process.ts";
import { onPostgres } from "../peers/place.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const jobs = 5_000_000;
const pieceJobs = 10_000;
/** So many are queued at most. */
const aheadJobs = 20_000;
const target = { aim: 20, floor: 35 };

/** Whether the queue is as fast after millions of jobs as at the start, and as small. */
export const queueChurn: Benchmark = {
  name: "queue-churn",
  description: `${jobs} jobs that do nothing, added by one process, at most ${aheadJobs} ahead of the worker process that does them, whose history is deleted as soon as they have ended. "slower": how much the rate of the last tenth is below that of the first. Sizes are with what vacuum has not yet given back.`,
  conditions: serverConditions,
  isLong: true,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const tenth = Math.ceil((jobs * scale) / 10);
    for (let run = 1; run <= runs; run += 1) {
      await withPeer("millrace-forgetting", async ({ start, connection }) => {
        const producer = await start();
        const worker = await start();
        // Ahead from the beginning, so that every part both adds and does as many as the others.
        await producer.ask({ do: "add_many", count: aheadJobs });
        await worker.ask({ do: "start_worker", jobMs: 0 });
        const rates: number[] = [];
        for (let part = 1; part <= 10; part += 1) {
          const rate = await churn(producer, worker, { from: (part - 1) * tenth, to: part * tenth });
          rates.push(rate);
          say(
            `queue-churn: run ${run} of ${runs}, ${part * tenth} jobs, the last ${Math.round(rate)} jobs/s`,
          );
          if (part === 1 || part === 10) await addSizes(figures, connection, part * tenth);
        }
        const [first = Number.NaN] = rates;
        const last = rates.at(-1) ?? Number.NaN;
        figures.add("first tenth", "jobs/s", first);
        figures.add("last tenth", "jobs/s", last);
        figures.add("slower", "%", 100 - (100 * last) / first, target);
      });
    }
    return figures.figures();
  },
};

/** Adds these jobs as fast as the worker does those before them; resolves with the rate. */
async function churn(
  producer: PeerProcess,
  worker: PeerProcess,
  { from, to }: { from: number; to: number },
): Promise<number> {
  const beganMs = performance.now();
  for (let added = from; added < to;) {
    const count = Math.min(pieceJobs, to - added);
    await producer.ask({ do: "add_many", count });
    added += count;
    await worker.ask({ do: "wait_until_handled", count: added });
  }
  return ((to - from) * 1000) / (performance.now() - beganMs);
}

async function addSizes(figures: FigureCollector, connection: string, done: number): Promise<void> {
  const [sizes] = await onPostgres(
    connection,
    sql<{ table: number; indexes: number; whole: number; rows: number }>`
      SELECT pg_table_size('job')::float8 / 1e6 AS "table", pg_indexes_size('job')::float8 / 1e6 AS indexes,
        pg_database_size(current_database())::float8 / 1e6 AS whole,
        (SELECT count(*)::int FROM job) AS rows`,
  );
  if (sizes === undefined) return;
  const after = `after ${done} jobs`;
  figures.add(`${after}: rows of job`, "rows", sizes.rows);
  figures.add(`${after}: table job`, "MB", sizes.table);
  figures.add(`${after}: indexes of job`, "MB", sizes.indexes);
  figures.add(`${after}: database`, "MB", sizes.whole);
}
