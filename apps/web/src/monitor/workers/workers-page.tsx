import { getRouteApi } from "@tanstack/react-router";
import IconServerOff from "@tabler/icons-react/dist/esm/icons/IconServerOff.mjs";
import { useState } from "react";
import { EmptyState } from "../../feedback/empty-state.tsx";
import { countOf } from "../../formatting/numbers.ts";
import { PageHead } from "../../parts/page-head.tsx";
import { Answered } from "../../parts/states.tsx";
import { useWorkers } from "./use-workers.ts";
import { WorkerDialogs } from "./worker-dialogs.tsx";
import type { WorkerDialog } from "./worker-dialogs.tsx";
import { WorkerPanel } from "./worker-panel.tsx";
import { isGone, lookOf } from "./worker-silence.ts";
import type { WatchedWorker } from "./worker-silence.ts";
import classes from "./workers-page.module.css";
import { WorkersTable } from "./workers-table.tsx";

const route = getRouteApi("/monitor/workers");

/** The processes that run jobs: how busy they are, how they do, and what can be asked of them. */
export function WorkersPage() {
  const query = useWorkers();
  const { worker: opened } = route.useSearch();
  const navigate = route.useNavigate();
  const [dialog, setDialog] = useState<WorkerDialog>();
  return (
    <>
      <PageHead title="Workers" note={query.data === undefined ? undefined : totals(query.data)} />
      <Answered what="The workers" query={query}>
        {(workers) => <WorkerList workers={workers} onOpen={setDialog} />}
      </Answered>
      {opened === undefined ? null : (
        <WorkerPanel
          worker={opened}
          seen={query.data?.find(({ id, name }) => id === opened || name === opened)}
          onClose={() => void navigate({ search: {} })}
        />
      )}
      <WorkerDialogs dialog={dialog} onClose={() => setDialog(undefined)} />
    </>
  );
}

function WorkerList({
  workers,
  onOpen,
}: {
  workers: readonly WatchedWorker[];
  onOpen: (dialog: WorkerDialog) => void;
}) {
  const present = workers.filter((worker) => !isGone(worker));
  const gone = workers.filter(isGone);
  return (
    <>
      {present.length === 0 ? (
        <NoWorkers />
      ) : (
        <WorkersTable label="Workers" workers={present} onOpen={onOpen} />
      )}
      {gone.length === 0 ? null : (
        <details className={classes.gone}>
          <summary>{countOf(gone.length, "worker")} stopped or lost within the last day</summary>
          <WorkersTable label="Workers that are gone" workers={gone} onOpen={onOpen} />
        </details>
      )}
    </>
  );
}

function totals(workers: readonly WatchedWorker[]): string {
  const live = workers.filter((worker) => ["running", "draining", "stopping"].includes(lookOf(worker)));
  const busy = live.reduce((sum, { running }) => sum + running, 0);
  const slots = live.reduce((sum, { concurrency }) => sum + concurrency, 0);
  return `${countOf(live.length, "live worker")}, ${busy} of ${countOf(slots, "slot")} busy`;
}

function NoWorkers() {
  return (
    <EmptyState icon={<IconServerOff size={26} />} title="No worker is running">
      Jobs wait until one comes. Start one with <code>millrace worker</code>, or everything in one process
      with <code>millrace start</code>.
    </EmptyState>
  );
}
