import { FigureCollector } from "../measure/figure.ts";
import type { Target } from "../measure/figure.ts";
import { serverConditions } from "../peers/conditions.ts";
import { rateOf, turned, withPeer } from "../peers/measure-peer.ts";
import type { PeerName } from "../peers/peer.ts";
import { residentMemoryOfTree } from "../processes/resident-memory.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const concurrency = 1000;
const jobMs = 2000;
const jobs = 5000;
const memoryLookMs = 250;

type Subject = { readonly name: PeerName; readonly label: string; readonly target?: Target };

const subjects: readonly Subject[] = [
  { name: "millrace", label: "Millrace", target: { aim: 95, floor: 90 } },
  { name: "bullmq", label: "BullMQ" },
  { name: "millrace-embedded", label: "Millrace, embedded database" },
];

/** Whether a worker process full of jobs that wait for others keeps all its slots busy. */
export const queueWaiting: Benchmark = {
  name: "queue-waiting",
  description: `${jobs} jobs that each wait ${jobMs / 1000} s, in one worker process with ${concurrency} slots; ideally ${(concurrency * 1000) / jobMs} jobs a second. From the first start of a handler until every end is recorded. Memory: the most that the worker process with its children took (of the embedded queue the database is part of it).`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    // At least one full set of slots.
    const count = Math.max(concurrency, Math.ceil(jobs * scale));
    const idealSeconds = (Math.ceil(count / concurrency) * jobMs) / 1000;
    for (let run = 1; run <= runs; run += 1) {
      const measured = new Map<Subject, { rate: number; megabytes: number }>();
      for (const subject of turned(subjects, run)) {
        say(`queue-waiting: run ${run} of ${runs}, ${subject.label}`);
        measured.set(subject, await measureWaiting(subject.name, count));
      }
      for (const subject of subjects) {
        const { label, target } = subject;
        const { rate = Number.NaN, megabytes = Number.NaN } = measured.get(subject) ?? {};
        figures.add(`${label}: of the ideal rate`, "%", (100 * rate * idealSeconds) / count, target);
        figures.add(`${label}: memory`, "MB", megabytes);
      }
    }
    return figures.figures();
  },
};

async function measureWaiting(peer: PeerName, count: number): Promise<{ rate: number; megabytes: number }> {
  return await withPeer(peer, async ({ start, settle }) => {
    const producer = await start();
    await producer.ask({ do: "add_many", count });
    await settle();
    const worker = await start();
    let bytes = 0;
    const look = async (): Promise<void> => {
      bytes = Math.max(bytes, (await residentMemoryOfTree(worker.processId)) ?? 0);
    };
    const timer = setInterval(() => void look(), memoryLookMs);
    try {
      await worker.ask({ do: "start_worker", jobMs, concurrency });
      const rate = rateOf(count, await worker.ask({ do: "wait_until_recorded", count }));
      return { rate, megabytes: bytes / 1e6 };
    } finally {
      clearInterval(timer);
    }
  });
}
