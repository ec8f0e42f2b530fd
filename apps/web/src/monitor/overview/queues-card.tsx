import type { Queue } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import { countOf, formatCount } from "../../formatting/numbers.ts";
import { formatElapsed, formatEta } from "../../formatting/time.ts";
import { Badge } from "../../feedback/badge.tsx";
import { Card } from "./card.tsx";
import classes from "./card.module.css";

/** A glance at the queues; more of them are on their own page. */
const shownQueues = 8;

/** Where work waits: what is paused, then the longest wait first, since that is where one is needed. */
export function QueuesCard({ queues }: { queues: readonly Queue[] }) {
  const shown = queues.toSorted((one, other) => urgency(other) - urgency(one)).slice(0, shownQueues);
  const more = queues.length - shown.length;
  return (
    <Card title="Queues" to="/monitor/queues">
      {shown.length === 0 ? (
        <p className={classes.quiet}>No queue has a job yet.</p>
      ) : (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col">Queued</th>
              <th scope="col">Oldest wait</th>
              <th scope="col" className={classes.wide}>
                Running
              </th>
              <th scope="col">Empty in</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((queue) => (
              <QueueRow key={queue.name} queue={queue} />
            ))}
          </tbody>
        </table>
      )}
      {more > 0 ? <p className={classes.quiet}>and {countOf(more, "more queue", "more queues")}</p> : null}
    </Card>
  );
}

function QueueRow({ queue }: { queue: Queue }) {
  const { oldest_wait_seconds: wait } = queue;
  return (
    <tr data-tone={queue.paused === null ? undefined : "warn"}>
      <td>
        <span className={classes.name}>
          <Link to="/monitor/jobs" search={{ queue: queue.name }} className={classes.link}>
            {queue.name}
          </Link>
          {queue.paused === null ? null : (
            <Badge tone="warn" icon={<IconPlayerPause size={14} />}>
              Paused
            </Badge>
          )}
        </span>
      </td>
      <td>{formatCount(queue.counts.queued ?? 0)}</td>
      <td>{wait === null ? "—" : formatElapsed(wait * 1000)}</td>
      <td className={classes.wide}>{formatCount(queue.running)}</td>
      <td>{emptyIn(queue) ?? "—"}</td>
    </tr>
  );
}

function urgency({ paused, oldest_wait_seconds: wait }: Queue): number {
  return paused === null ? (wait ?? -1) : Number.POSITIVE_INFINITY;
}

/** When it will be empty at the rates of the last minute; undefined when it is, or does not shrink. */
function emptyIn({ counts, arrived_per_minute: arrived, finished_per_minute: finished }: Queue) {
  const queued = counts.queued ?? 0;
  const perMinute = finished - arrived;
  return queued === 0 || perMinute <= 0 ? undefined : formatEta((queued / perMinute) * 60);
}
