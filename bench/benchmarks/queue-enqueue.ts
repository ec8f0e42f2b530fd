import { FigureCollector } from "../measure/figure.ts";
import type { Target } from "../measure/figure.ts";
import { serverConditions } from "../peers/conditions.ts";
import { rateOf, turned, withPeer } from "../peers/measure-peer.ts";
import type { PeerName } from "../peers/peer.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

type Subject = {
  readonly name: PeerName;
  readonly label: string;
  readonly jobs: number;
  readonly target?: Target;
};

const ours: Subject = { name: "millrace", label: "Millrace", jobs: 50_000 };
const subjects: readonly Subject[] = [
  ours,
  { name: "bullmq", label: "BullMQ", jobs: 50_000, target: { aim: 1.5, floor: 1.2 } },
  { name: "pg-boss", label: "pg-boss", jobs: 10_000 },
  { name: "graphile-worker", label: "graphile-worker", jobs: 10_000 },
  { name: "millrace-embedded", label: "Millrace, embedded database", jobs: 20_000 },
];
const inFlights = [100, 1000] as const;

/** How many single jobs one process adds in a second. */
export const queueEnqueue: Benchmark = {
  name: "queue-enqueue",
  description: `Jobs added one by one from one process, 100 or 1,000 of them not yet confirmed at any time; no worker. A fifth as many are added before, unmeasured. With PostgreSQL a confirmed job is on the disk; with Redis it is within a second (append-only file, everysec). "×": ours divided by that queue's rate in the same run.`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      for (const inFlight of inFlights) {
        const rates = new Map<Subject, number>();
        for (const subject of turned(subjects, run)) {
          say(`queue-enqueue: run ${run} of ${runs}, ${subject.label}, ${inFlight} in flight`);
          rates.set(subject, await measureAdding(subject.name, Math.ceil(subject.jobs * scale), inFlight));
        }
        for (const subject of subjects) {
          const rate = rates.get(subject) ?? Number.NaN;
          figures.add(`${subject.label}, ${inFlight} in flight`, "jobs/s", rate);
          if (subject.name.startsWith("millrace")) continue;
          const ratio = (rates.get(ours) ?? Number.NaN) / rate;
          const name = `Millrace against ${subject.label}, ${inFlight} in flight`;
          figures.add(name, "×", ratio, subject.target);
        }
      }
    }
    return figures.figures();
  },
};

async function measureAdding(peer: PeerName, count: number, inFlight: number): Promise<number> {
  return await withPeer(peer, async ({ start, settle }) => {
    const producer = await start();
    await producer.ask({ do: "add_singly", count: Math.ceil(count / 5), inFlight });
    await settle();
    return rateOf(count, await producer.ask({ do: "add_singly", count, inFlight }));
  });
}
