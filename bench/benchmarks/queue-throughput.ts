import { FigureCollector } from "../measure/figure.ts";
import type { Target } from "../measure/figure.ts";
import { measureCelery } from "../peers/celery/celery.ts";
import { serverConditions } from "../peers/conditions.ts";
import { rateOf, turned, withPeer } from "../peers/measure-peer.ts";
import type { PeerName } from "../peers/peer.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

type Subject = {
  readonly name: PeerName | "celery";
  readonly label: string;
  /** Enough for some seconds. */
  readonly jobs: number;
  /** Ours that are compared with it; of the first, how many times as many it should do. */
  readonly against?: readonly Subject[];
  readonly target?: Target;
};

const ours: Subject = { name: "millrace", label: "Millrace", jobs: 100_000 };
const oursInBatches: Subject = {
  name: "millrace-batched",
  label: "Millrace, batches of 500",
  jobs: 100_000,
};
const subjects: readonly Subject[] = [
  ours,
  oursInBatches,
  { name: "bullmq", label: "BullMQ", jobs: 100_000, against: [ours], target: { aim: 3, floor: 2 } },
  {
    name: "pg-boss-batched",
    label: "pg-boss, batches of 500",
    jobs: 100_000,
    against: [oursInBatches, ours],
    target: { aim: 1.3, floor: 1 },
  },
  {
    name: "graphile-worker-batched",
    label: "graphile-worker, batched",
    jobs: 100_000,
    against: [oursInBatches, ours],
    target: { aim: 1, floor: 0.6 },
  },
  { name: "celery", label: "Celery", jobs: 20_000, against: [ours], target: { aim: 20, floor: 10 } },
  { name: "pg-boss", label: "pg-boss, job by job", jobs: 20_000, against: [ours] },
  { name: "graphile-worker", label: "graphile-worker, job by job", jobs: 20_000, against: [ours] },
  { name: "millrace-embedded", label: "Millrace, embedded database", jobs: 20_000 },
];
/** As many of the jobs as this are done before time begins: code is compiled meanwhile. */
const warmUpShare = 1 / 5;

/** How many jobs that do nothing one worker process does in a second. */
export const queueThroughput: Benchmark = {
  name: "queue-throughput",
  description: `Jobs that do nothing, all added before (Celery and those that go job by job: 20,000; the others 100,000), done by one worker process (Celery: two under one parent). From the start of the first handler after a fifth of the jobs (Celery, which compiles nothing: of the first) until no job is left whose end is not recorded. Ours: jobs of 1,000 owners with fair share, history, results and events. BullMQ keeps its ended jobs with what they returned, in Redis's memory and append-only file; graphile-worker deletes its jobs; a batch of pg-boss is completed as one, with one output; Celery acknowledges late and keeps results in Redis. "×": ours divided by that queue's rate in the same run.`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      const rates = new Map<Subject, number>();
      for (const subject of turned(subjects, run)) {
        say(`queue-throughput: run ${run} of ${runs}, ${subject.label}`);
        const count = Math.ceil(subject.jobs * scale);
        rates.set(
          subject,
          subject.name === "celery" ? await measureCelery(count) : await measureDrain(subject.name, count),
        );
      }
      addFigures(figures, rates);
    }
    return figures.figures();
  },
};

function addFigures(figures: FigureCollector, rates: ReadonlyMap<Subject, number>): void {
  const rateOfSubject = (subject: Subject): number => rates.get(subject) ?? Number.NaN;
  for (const subject of subjects) figures.add(subject.label, "jobs/s", rateOfSubject(subject));
  for (const subject of subjects) {
    for (const [nth, own] of (subject.against ?? []).entries()) {
      const ratio = rateOfSubject(own) / rateOfSubject(subject);
      figures.add(
        `${own.label} against ${subject.label}`,
        "×",
        ratio,
        nth === 0 ? subject.target : undefined,
      );
    }
  }
}

async function measureDrain(peer: PeerName, count: number): Promise<number> {
  return await withPeer(peer, async ({ start, settle }) => {
    const producer = await start();
    await producer.ask({ do: "add_many", count });
    await settle();
    const worker = await start();
    const warmUp = Math.floor(count * warmUpShare);
    await worker.ask({ do: "start_worker", jobMs: 0, warmUp });
    return rateOf(count - warmUp, await worker.ask({ do: "wait_until_recorded", count }));
  });
}
