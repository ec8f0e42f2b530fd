import type { JobState, Queue } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import { formatCount } from "../../formatting/numbers.ts";
import { formatElapsed } from "../../formatting/time.ts";
import { Badge } from "../../feedback/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import type { Column } from "../../parts/data-table.tsx";
import { PauseNote } from "./pause-note.tsx";
import type { QueueDialog } from "./queue-dialogs.tsx";
import { QueueMenu } from "./queue-menu.tsx";
import classes from "./queues-table.module.css";

export function QueuesTable({
  queues,
  onOpen,
}: {
  queues: readonly Queue[];
  onOpen: (dialog: QueueDialog) => void;
}) {
  return (
    <DataTable
      label="Queues"
      columns={columnsFor(onOpen)}
      rows={queues}
      keyOf={({ name }) => name}
      cardsBelow={1120}
    />
  );
}

function columnsFor(onOpen: (dialog: QueueDialog) => void): readonly Column<Queue>[] {
  return [
    { key: "name", header: "Queue", cell: (queue) => <Name queue={queue} /> },
    count("queued", "Queued", 76),
    {
      key: "oldest",
      header: "Oldest wait",
      kind: "number",
      width: "104px",
      cell: ({ oldest_wait_seconds: seconds }) => (seconds === null ? "—" : formatElapsed(seconds * 1000)),
    },
    {
      key: "running",
      header: "Running",
      kind: "number",
      width: "82px",
      cell: (queue) => <Running queue={queue} />,
    },
    count("scheduled", "Scheduled", 90),
    {
      key: "held",
      header: "Held",
      kind: "number",
      width: "58px",
      // Those that wait for other jobs, for a person or for an event from outside.
      cell: ({ name, counts }) => (
        <CountLink
          queue={name}
          state={(counts.waiting ?? 0) > 0 ? "waiting" : "blocked"}
          value={(counts.blocked ?? 0) + (counts.waiting ?? 0)}
        />
      ),
    },
    count("failed", "Failed", 68),
    count("succeeded", "Succeeded", 94),
    {
      key: "rates",
      header: "In / out a min",
      kind: "number",
      width: "84px",
      cell: (queue) => `${rate(queue.arrived_per_minute)} / ${rate(queue.finished_per_minute)}`,
    },
    {
      key: "workers",
      header: "Workers",
      kind: "number",
      width: "76px",
      cell: ({ workers }) => formatCount(workers),
    },
    {
      key: "actions",
      header: "Actions",
      kind: "actions",
      width: "56px",
      cell: (queue) => <QueueMenu queue={queue} onOpen={onOpen} />,
    },
  ];
}

function count(state: JobState, header: string, width: number): Column<Queue> {
  return {
    key: state,
    header,
    kind: "number",
    width: `${width}px`,
    cell: ({ name, counts }) => <CountLink queue={name} state={state} value={counts[state] ?? 0} />,
  };
}

function CountLink({ queue, state, value }: { queue: string; state: JobState; value: number }) {
  if (value === 0) return <span className={classes.none}>0</span>;
  if (state === "failed") {
    return (
      <Link to="/monitor/failures" search={{ queue }} className={classes.count} data-state={state}>
        {formatCount(value)}
      </Link>
    );
  }
  return (
    <Link to="/monitor/jobs" search={{ queue, state }} className={classes.count} data-state={state}>
      {formatCount(value)}
    </Link>
  );
}

function Running({ queue }: { queue: Queue }) {
  const { name, running, max_running: limit } = queue;
  return (
    <>
      <CountLink queue={name} state="running" value={running} />
      {limit === null ? null : <span className={classes.limit}> of {formatCount(limit)}</span>}
    </>
  );
}

function Name({ queue }: { queue: Queue }) {
  return (
    <div className={classes.name}>
      <Link to="/monitor/jobs" search={{ queue: queue.name }} className={classes.title}>
        {queue.name}
      </Link>
      {queue.paused === null ? null : (
        <>
          <Badge tone="warn" icon={<IconPlayerPause size={14} />}>
            Paused
          </Badge>
          <span className={classes.pause}>
            <PauseNote pause={queue.paused} />
          </span>
        </>
      )}
    </div>
  );
}

function rate(perMinute: number): string {
  return perMinute > 0 && perMinute < 10
    ? String(Number(perMinute.toFixed(1)))
    : formatCount(Math.round(perMinute));
}
