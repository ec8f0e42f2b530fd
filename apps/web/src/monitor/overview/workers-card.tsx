import { Link } from "@tanstack/react-router";
import { countOf } from "../../formatting/numbers.ts";
import { Slots } from "../parts/slots.tsx";
import { WorkerBadge } from "../workers/worker-badge.tsx";
import { isGone, lookOf } from "../workers/worker-silence.ts";
import type { WatchedWorker } from "../workers/worker-silence.ts";
import { Card } from "./card.tsx";
import classes from "./card.module.css";

const shownWorkers = 8;

/** How busy the workers are. */
export function WorkersCard({ workers }: { workers: readonly WatchedWorker[] }) {
  const present = workers.filter((worker) => !isGone(worker));
  const more = present.length - shownWorkers;
  return (
    <Card title="Workers" to="/monitor/workers">
      {present.length === 0 ? (
        <p className={classes.quiet}>None.</p>
      ) : (
        <ul className={classes.list}>
          {present.slice(0, shownWorkers).map((worker) => (
            <li key={worker.id} className={classes.row}>
              <span className={classes.grows}>
                <Link to="/monitor/workers" search={{ worker: worker.id }} className={classes.link}>
                  {worker.name}
                </Link>
              </span>
              <span className={classes.slots}>
                <Slots running={worker.running} concurrency={worker.concurrency} />
              </span>
              <WorkerBadge look={lookOf(worker)} />
            </li>
          ))}
        </ul>
      )}
      {more > 0 ? <p className={classes.quiet}>and {countOf(more, "more worker", "more workers")}</p> : null}
    </Card>
  );
}
