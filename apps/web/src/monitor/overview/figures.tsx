import type { QueueList } from "@millrace/contracts";
import { Link, linkOptions } from "@tanstack/react-router";
import type { LinkOptions } from "@tanstack/react-router";
import { formatCount } from "../../formatting/numbers.ts";
import { formatElapsed } from "../../formatting/time.ts";
import { Sparkline } from "../parts/sparkline.tsx";
import type { Point } from "../parts/sparkline.tsx";
import type { WatchedWorker } from "../workers/worker-silence.ts";
import classes from "./figures.module.css";
import { isPresent } from "./present-workers.ts";
import { failureRates } from "./samples.ts";
import type { Sample } from "./samples.ts";

const places = {
  queues: linkOptions({ to: "/monitor/queues" }),
  running: linkOptions({ to: "/monitor/jobs", search: { state: "running" } }),
  done: linkOptions({ to: "/monitor/jobs", search: { state: "succeeded" } }),
  failures: linkOptions({ to: "/monitor/failures" }),
};

/** The five figures that say how it goes, with the last ten minutes of each. */
export function Figures({
  queues,
  workers,
  samples,
}: {
  queues: QueueList;
  workers: readonly WatchedWorker[];
  samples: readonly Sample[];
}) {
  const { all } = queues;
  const slots = workers.filter(isPresent).reduce((sum, { concurrency }) => sum + concurrency, 0);
  const oldestWait = samples.at(-1)?.oldestWaitSeconds ?? 0;
  const failures = failureRates(samples);
  const kept = all.counts.failed ?? 0;
  return (
    <dl className={classes.root}>
      <Figure
        label="Queued"
        value={formatCount(all.counts.queued ?? 0)}
        note={`${rateText(all.arrived_per_minute)} a minute come in`}
        points={line(samples, (sample) => sample.queued)}
        place={places.queues}
      />
      <Figure
        label="Oldest wait"
        value={oldestWait === 0 ? "—" : formatElapsed(oldestWait * 1000)}
        note={oldestWait === 0 ? "Nothing waits" : "of a job that is due"}
        points={line(samples, (sample) => sample.oldestWaitSeconds)}
        place={places.queues}
      />
      <Figure
        label="Running"
        value={formatCount(all.running)}
        note={`of ${formatCount(slots)} slots`}
        points={line(samples, (sample) => sample.running)}
        place={places.running}
      />
      <Figure
        label="Done a minute"
        value={rateText(all.finished_per_minute)}
        note={`${formatCount(all.counts.succeeded ?? 0)} succeeded are kept`}
        points={line(samples, (sample) => sample.finishedPerMinute)}
        place={places.done}
      />
      <Figure
        label="Failed tries a minute"
        value={rateText(failures.at(-1)?.value ?? 0)}
        note={`${formatCount(kept)} failed ${kept === 1 ? "job is" : "jobs are"} kept`}
        points={failures}
        isBad={(failures.at(-1)?.value ?? 0) > 0}
        place={places.failures}
      />
    </dl>
  );
}

function Figure({
  label,
  value,
  note,
  points,
  place,
  isBad = false,
}: {
  label: string;
  value: string;
  note: string;
  points: readonly Point[];
  place: LinkOptions;
  isBad?: boolean;
}) {
  return (
    <div className={classes.figure}>
      <dt>
        <Link {...place} className={classes.label}>
          {label}
        </Link>
      </dt>
      <dd className={classes.value} data-bad={isBad || undefined}>
        {value}
      </dd>
      <dd className={classes.note}>{note}</dd>
      <dd className={classes.line}>
        <Sparkline points={points} tone={isBad ? "bad" : "accent"} />
      </dd>
    </div>
  );
}

function line(samples: readonly Sample[], valueOf: (sample: Sample) => number): Point[] {
  return samples.map((sample) => ({ atMs: sample.atMs, value: valueOf(sample) }));
}

function rateText(perMinute: number): string {
  return perMinute > 0 && perMinute < 10
    ? String(Number(perMinute.toFixed(1)))
    : formatCount(Math.round(perMinute));
}
