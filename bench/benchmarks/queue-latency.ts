import { servicesDirectory } from "../../scripts/services/state.ts";
import { FigureCollector } from "../measure/figure.ts";
import { measureCommits, measureFsync } from "../measure/fsync.ts";
import { percentile } from "../measure/statistics.ts";
import { serverConditions } from "../peers/conditions.ts";
import { turned, withPeer } from "../peers/measure-peer.ts";
import { measureWaits, pauseMs } from "../peers/measure-waits.ts";
import type { PeerName } from "../peers/peer.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const jobs = 200;
/** Added to two commits to the disk: one for the job, one for its claim. */
const target = { aim: 2, floor: 5 };

type Subject = {
  readonly name: PeerName;
  readonly label: string;
  readonly processes: 1 | 2;
  readonly hasTarget: boolean;
};

const subjects: readonly Subject[] = [
  { name: "millrace", label: "Millrace", processes: 1, hasTarget: true },
  { name: "millrace", label: "Millrace", processes: 2, hasTarget: true },
  { name: "millrace-embedded", label: "Millrace, embedded database", processes: 1, hasTarget: false },
  { name: "bullmq", label: "BullMQ", processes: 2, hasTarget: false },
  { name: "graphile-worker", label: "graphile-worker", processes: 2, hasTarget: false },
  { name: "pg-boss-batched", label: "pg-boss with NOTIFY", processes: 2, hasTarget: false },
];

/** How long a job that comes to an idle queue waits for its start. */
export const queueLatency: Benchmark = {
  name: "queue-latency",
  description: `From before the addition of a job to the start of its handler; ${jobs} jobs, one after the other with ${pauseMs} ms between, on an idle queue. "one process" adds and does the jobs itself, "two processes" has one for each. The floor, "fsync", is a page of 8 kB written and synchronized (fdatasync) on the disk of the database; "commit" is one row inserted into a bare table. The target counts what comes on top of two of the former.`,
  conditions: serverConditions,
  run: async ({ runs, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`queue-latency: run ${run} of ${runs}`);
      const fsyncMs = percentile(await measureFsync(servicesDirectory(), jobs), 0.5);
      const commits = await withPeer("millrace", ({ connection }) => measureCommits(connection, jobs));
      figures.add("floor: fsync, p50", "ms", fsyncMs);
      figures.add("floor: commit, p50", "ms", percentile(commits, 0.5));
      const measured = new Map<Subject, number[]>();
      for (const subject of turned(subjects, run))
        measured.set(subject, await measureWaits(subject.name, { jobs, processes: subject.processes }));
      for (const subject of subjects) {
        const times = measured.get(subject) ?? [];
        const name = `${subject.label}, ${subject.processes === 1 ? "one process" : "two processes"}`;
        const p50 = percentile(times, 0.5);
        figures.add(`${name}: p50`, "ms", p50);
        figures.add(`${name}: p95`, "ms", percentile(times, 0.95));
        if (subject.hasTarget) figures.add(`${name}: p50 less two fsyncs`, "ms", p50 - 2 * fsyncMs, target);
      }
    }
    return figures.figures();
  },
};
