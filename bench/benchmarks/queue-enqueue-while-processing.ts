import { FigureCollector } from "../measure/figure.ts";
import { serverConditions } from "../peers/conditions.ts";
import { rateOf, turned, withPeer } from "../peers/measure-peer.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const jobs = 50_000;
const inFlights = [100, 1000] as const;
const target = { aim: 1.3, floor: 1 };
const subjects = [
  { name: "millrace", label: "Millrace" },
  { name: "bullmq", label: "BullMQ" },
] as const;

type Subject = (typeof subjects)[number];
type Measured = {
  readonly added: number;
  readonly done: number;
  /** Of the jobs, when the last one was added. */
  readonly doneMeanwhile: number;
};

/** How many single jobs one process adds in a second while another one does them. */
export const queueEnqueueWhileProcessing: Benchmark = {
  name: "queue-enqueue-while-processing",
  description: `${jobs} jobs that do nothing, added one by one from one process, 100 or 1,000 not yet confirmed at any time, while one worker process does them as they come. A queue that does less meanwhile has more left for adding, so two more figures belong to it: how many were done when the last one was added, and the rate at which jobs were both added and done, from the first addition to the last recorded end. A fifth as many go through before, unmeasured.`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.ceil(jobs * scale);
    for (let run = 1; run <= runs; run += 1) {
      for (const inFlight of inFlights) {
        const measured = new Map<Subject["name"], Measured>();
        for (const { name, label } of turned(subjects, run)) {
          say(`queue-enqueue-while-processing: run ${run} of ${runs}, ${label}, ${inFlight} in flight`);
          measured.set(name, await measureBoth(name, count, inFlight));
        }
        addFigures(figures, measured, inFlight);
      }
    }
    return figures.figures();
  },
};

function addFigures(
  figures: FigureCollector,
  measured: ReadonlyMap<Subject["name"], Measured>,
  inFlight: number,
): void {
  const of = (name: Subject["name"], key: keyof Measured): number => measured.get(name)?.[key] ?? Number.NaN;
  for (const { name, label } of subjects) {
    const subject = `${label}, ${inFlight} in flight`;
    figures.add(`${subject}: added`, "jobs/s", of(name, "added"));
    figures.add(`${subject}: done when the last was added`, "%", of(name, "doneMeanwhile") * 100);
    figures.add(`${subject}: added and done`, "jobs/s", of(name, "done"));
  }
  const ratio = (key: "added" | "done"): number => of("millrace", key) / of("bullmq", key);
  const both = `Millrace against BullMQ, ${inFlight} in flight`;
  figures.add(`${both}: added`, "×", ratio("added"), target);
  figures.add(`${both}: added and done`, "×", ratio("done"));
}

async function measureBoth(peer: Subject["name"], count: number, inFlight: number): Promise<Measured> {
  return await withPeer(peer, async ({ start, settle }) => {
    const producer = await start();
    const worker = await start();
    const before = Math.ceil(count / 5);
    await worker.ask({ do: "start_worker", jobMs: 0 });
    await producer.ask({ do: "add_singly", count: before, inFlight });
    await worker.ask({ do: "wait_until_recorded", count: before });
    await settle();
    const adding = await producer.ask({ do: "add_singly", count, inFlight });
    const { handled } = await worker.ask({ do: "wait_until_handled", count: 0 });
    const { endedMs } = await worker.ask({ do: "wait_until_recorded", count: before + count });
    return {
      added: rateOf(count, adding),
      done: rateOf(count, { ...adding, endedMs }),
      doneMeanwhile: (handled - before) / count,
    };
  });
}
