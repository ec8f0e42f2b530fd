import { sql } from "kysely";
import { z } from "zod";
import { FigureCollector } from "../measure/figure.ts";
import { serverConditions } from "../peers/conditions.ts";
import { turned, withPeer } from "../peers/measure-peer.ts";
import type { PeerName } from "../peers/peer.ts";
import { onPostgres } from "../peers/place.ts";
import { processorSeconds } from "../processes/processor-time.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const jobs = 100_000;
const subjects: readonly { readonly name: PeerName; readonly label: string }[] = [
  { name: "millrace", label: "Millrace" },
  { name: "millrace-batched", label: "Millrace, batches of 500" },
  { name: "pg-boss-batched", label: "pg-boss, batches of 500" },
  { name: "graphile-worker-batched", label: "graphile-worker, batched" },
];

/** What a job that does nothing costs, which other load on the machine moves less than how long it takes. */
export const queueCost: Benchmark = {
  name: "queue-cost",
  description: `Processor time of a job that does nothing, in the worker process and in PostgreSQL, where 100,000 were added before; for the queues and at the settings of queue-throughput. "×": that queue's sum divided by ours in the same run.`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      const sums = new Map<PeerName, number>();
      for (const { name, label } of turned(subjects, run)) {
        say(`queue-cost: run ${run} of ${runs}, ${label}`);
        const { worker, server } = await measureCost(name, Math.ceil(jobs * scale));
        figures.add(`${label}, worker`, "µs a job", worker);
        figures.add(`${label}, PostgreSQL`, "µs a job", server);
        sums.set(name, worker + server);
      }
      for (const ours of ["millrace", "millrace-batched"] as const) {
        for (const { name, label } of subjects.slice(2)) {
          figures.add(`${label}, by ${ours}`, "×", (sums.get(name) ?? 0) / (sums.get(ours) ?? 0));
        }
      }
    }
    return figures.figures();
  },
};

async function measureCost(peer: PeerName, count: number): Promise<{ worker: number; server: number }> {
  return await withPeer(peer, async ({ start, settle, connection }) => {
    const producer = await start();
    await producer.ask({ do: "add_many", count });
    await settle();
    const worker = await start();
    const server = await serverProcessId(connection);
    const ticks = async () =>
      [await processorSeconds(worker.processId), await processorSeconds(server)] as const;
    const before = await ticks();
    await worker.ask({ do: "start_worker", jobMs: 0 });
    await worker.ask({ do: "wait_until_recorded", count });
    const after = await ticks();
    const perJob = (index: 0 | 1) => ((after[index] - before[index]) * 1e6) / count;
    return { worker: perJob(0), server: perJob(1) };
  });
}

/** Of the process whose children serve the connections. It runs on this machine. */
async function serverProcessId(connection: string): Promise<number> {
  const found = await onPostgres<{ text: string }>(
    connection,
    sql`SELECT pg_read_file('postmaster.pid') AS text`,
  );
  return z.coerce.number().int().positive().parse(found[0]?.text.split("\n")[0]);
}
