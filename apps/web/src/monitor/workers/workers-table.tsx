import { Link } from "@tanstack/react-router";
import { Moment } from "../../formatting/moment.tsx";
import { formatBytes, formatCount } from "../../formatting/numbers.ts";
import { formatElapsed } from "../../formatting/time.ts";
import { DataTable } from "../../parts/data-table.tsx";
import type { Column } from "../../parts/data-table.tsx";
import { Slots } from "../parts/slots.tsx";
import { BrokerBadge } from "./broker-badge.tsx";
import { WorkerBadge } from "./worker-badge.tsx";
import type { WorkerDialog } from "./worker-dialogs.tsx";
import { WorkerMenu } from "./worker-menu.tsx";
import { isGone, lookOf } from "./worker-silence.ts";
import type { WatchedWorker } from "./worker-silence.ts";
import classes from "./workers-table.module.css";

export function WorkersTable({
  label,
  workers,
  onOpen,
}: {
  label: string;
  workers: readonly WatchedWorker[];
  onOpen: (dialog: WorkerDialog) => void;
}) {
  return (
    <DataTable
      label={label}
      columns={columnsFor(onOpen)}
      rows={workers}
      keyOf={({ id }) => id}
      cardsBelow={1120}
    />
  );
}

function columnsFor(onOpen: (dialog: WorkerDialog) => void): readonly Column<WatchedWorker>[] {
  return [
    { key: "name", header: "Worker", cell: (worker) => <Name worker={worker} /> },
    { key: "state", header: "State", width: "144px", cell: (worker) => <State worker={worker} /> },
    {
      key: "slots",
      header: "Busy slots",
      width: "134px",
      cell: (worker) => <Slots running={worker.running} concurrency={worker.concurrency} />,
    },
    {
      key: "processed",
      header: "Processed",
      kind: "number",
      width: "94px",
      cell: ({ processed }) => formatCount(processed),
    },
    {
      key: "failed",
      header: "Failed",
      kind: "number",
      width: "72px",
      cell: ({ failed }) => formatCount(failed),
    },
    {
      key: "memory",
      header: "Memory",
      kind: "number",
      width: "84px",
      cell: ({ rss_bytes: bytes }) => (bytes === 0 ? "—" : formatBytes(bytes)),
    },
    {
      key: "delay",
      header: "Loop delay",
      kind: "number",
      width: "84px",
      cell: ({ loop_delay_ms: delayMs }) => `${delayMs < 10 ? delayMs.toFixed(1) : Math.round(delayMs)} ms`,
    },
    { key: "queues", header: "Queues", width: "150px", cell: ({ queues }) => queues.join(", ") },
    {
      key: "actions",
      header: "Actions",
      kind: "actions",
      width: "56px",
      cell: (worker) => <WorkerMenu worker={worker} onOpen={onOpen} />,
    },
  ];
}

function Name({ worker }: { worker: WatchedWorker }) {
  return (
    <>
      <Link to="/monitor/workers" search={{ worker: worker.id }} className={classes.name}>
        {worker.name}
      </Link>
      <span className={classes.process}>
        {worker.host}, process {worker.pid}
        {worker.version === "" ? "" : `, v${worker.version}`}
      </span>
      <Broker worker={worker} />
    </>
  );
}

/** Nothing within one process, and nothing of one that is gone. */
function Broker({ worker }: { worker: WatchedWorker }) {
  const { broker } = worker;
  return broker === null || broker.kind === "memory" || isGone(worker) ? null : (
    <BrokerBadge broker={broker} />
  );
}

function State({ worker }: { worker: WatchedWorker }) {
  const look = lookOf(worker);
  return (
    <>
      <WorkerBadge look={look} />
      <span className={classes.note}>
        <StateNote worker={worker} />
      </span>
    </>
  );
}

function StateNote({ worker }: { worker: WatchedWorker }) {
  const look = lookOf(worker);
  if (look === "stopped" && worker.stopped_at !== null) return <Moment value={worker.stopped_at} />;
  if (look === "lost" && worker.silentMs > 90_000) return <Moment value={worker.beat_at} />;
  if (look === "lost" || look === "late") return `for ${formatElapsed(worker.silentMs)}`;
  if (worker.wanted_state === "draining" && look === "running") return "asked to drain";
  if (worker.wanted_concurrency !== null && worker.wanted_concurrency !== worker.concurrency) {
    return `asked for ${worker.wanted_concurrency} slots`;
  }
  return (
    <>
      since <Moment value={worker.started_at} />
    </>
  );
}
