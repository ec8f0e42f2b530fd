import { FigureCollector } from "../measure/figure.ts";
import type { Target } from "../measure/figure.ts";
import { percentile } from "../measure/statistics.ts";
import { serverConditions } from "../peers/conditions.ts";
import { rateOf, turned, withPeer } from "../peers/measure-peer.ts";
import { measureWaits, pauseMs } from "../peers/measure-waits.ts";
import type { PeerName } from "../peers/peer.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const drained = 100_000;
const inFlight = 100;
const spaced = 200;

type Subject = {
  readonly name: PeerName;
  readonly label: string;
  /** Of the rate on PostgreSQL alone. */
  readonly rate?: Target;
  /** Milliseconds on top of PostgreSQL alone. */
  readonly wait?: Target;
};

const alone: Subject = { name: "millrace", label: "PostgreSQL alone" };
const wait: Target = { aim: 3, floor: 8 };
const subjects: readonly Subject[] = [
  alone,
  { name: "millrace-redis", label: "Redis", rate: { aim: 0.9, floor: 0.7 }, wait },
  { name: "millrace-rabbitmq", label: "RabbitMQ", rate: { aim: 0.8, floor: 0.5 }, wait },
];

/** What a broker beside the database costs. */
export const scaleBrokers: Benchmark = {
  name: "scale-brokers",
  description: `The same queue with hints over LISTEN and NOTIFY, Redis Streams and RabbitMQ's quorum queues. "jobs/s": ${drained} jobs that do nothing, added one by one with ${inFlight} in flight by one process while another does them, until every end is recorded; so hints flow all the time. "wait": from before the addition to the start of the handler, two processes, ${spaced} jobs with ${pauseMs} ms between on an idle queue. "×": the rate divided by that on PostgreSQL alone in the same run; "ms more": the median wait less that on PostgreSQL alone.`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      const rates = new Map<Subject, number>();
      const waits = new Map<Subject, number>();
      for (const subject of turned(subjects, run)) {
        say(`scale-brokers: run ${run} of ${runs}, ${subject.label}`);
        rates.set(subject, await measureRate(subject.name, Math.ceil(drained * scale)));
        waits.set(subject, percentile(await measureWaits(subject.name, { jobs: spaced, processes: 2 }), 0.5));
      }
      addFigures(figures, rates, waits);
    }
    return figures.figures();
  },
};

function addFigures(
  figures: FigureCollector,
  rates: ReadonlyMap<Subject, number>,
  waits: ReadonlyMap<Subject, number>,
): void {
  const rateOn = (subject: Subject): number => rates.get(subject) ?? Number.NaN;
  const waitOn = (subject: Subject): number => waits.get(subject) ?? Number.NaN;
  for (const subject of subjects) {
    figures.add(`${subject.label}: jobs`, "jobs/s", rateOn(subject));
    figures.add(`${subject.label}: wait, p50`, "ms", waitOn(subject));
  }
  for (const subject of subjects) {
    if (subject === alone) continue;
    figures.add(
      `${subject.label} against PostgreSQL alone`,
      "×",
      rateOn(subject) / rateOn(alone),
      subject.rate,
    );
    figures.add(`${subject.label}: wait, p50, ms more`, "ms", waitOn(subject) - waitOn(alone), subject.wait);
  }
}

async function measureRate(peer: PeerName, count: number): Promise<number> {
  return await withPeer(peer, async ({ start }) => {
    const [producer, worker] = [await start(), await start()];
    await worker.ask({ do: "start_worker", jobMs: 0 });
    const recorded = worker.ask({ do: "wait_until_recorded", count });
    await producer.ask({ do: "add_singly", count, inFlight });
    return rateOf(count, await recorded);
  });
}
