import { Link } from "@tanstack/react-router";
import { countOf } from "../../formatting/numbers.ts";
import { Slots } from "../parts/slots.tsx";
import { toneOf, WorkerBadge } from "../workers/worker-badge.tsx";
import { isGone, lookOf } from "../workers/worker-silence.ts";
import type { WatchedWorker, WorkerLook } from "../workers/worker-silence.ts";
import { Card } from "./card.tsx";
import classes from "./card.module.css";

const shownWorkers = 8;

/** How busy the workers are; those that are lost or about to leave come first and stand out. */
export function WorkersCard({ workers }: { workers: readonly WatchedWorker[] }) {
  const present = workers
    .filter((worker) => !isGone(worker))
    .map((worker) => ({ worker, look: lookOf(worker) }))
    .toSorted((one, other) => urgency(other.look) - urgency(one.look));
  const more = present.length - shownWorkers;
  return (
    <Card title="Workers" to="/monitor/workers">
      {present.length === 0 ? (
        <p className={classes.quiet}>None.</p>
      ) : (
        <ul className={classes.list}>
          {present.slice(0, shownWorkers).map(({ worker, look }) => (
            <li key={worker.id} className={classes.row} data-tone={toneOf(look)}>
              <span className={classes.grows}>
                <Link to="/monitor/workers" search={{ worker: worker.id }} className={classes.link}>
                  {worker.name}
                </Link>
              </span>
              <span className={classes.slots}>
                <Slots running={worker.running} concurrency={worker.concurrency} />
              </span>
              <WorkerBadge look={look} />
            </li>
          ))}
        </ul>
      )}
      {more > 0 ? <p className={classes.quiet}>and {countOf(more, "more worker", "more workers")}</p> : null}
    </Card>
  );
}

function urgency(look: WorkerLook): number {
  return ["good", "warn", "bad"].indexOf(toneOf(look));
}
