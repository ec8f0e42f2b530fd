import type { Queue, QueueList } from "@millrace/contracts";
import { Button } from "@mantine/core";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import IconStack2 from "@tabler/icons-react/dist/esm/icons/IconStack2.mjs";
import { useState } from "react";
import { EmptyState } from "../../feedback/empty-state.tsx";
import { Notice } from "../../feedback/notice.tsx";
import { countOf } from "../../formatting/numbers.ts";
import { fetchQueues } from "../monitor-requests.ts";
import { PageHead } from "../../parts/page-head.tsx";
import { Answered } from "../../parts/states.tsx";
import { useMonitorQuery } from "../parts/use-monitor-query.ts";
import { PauseNote } from "./pause-note.tsx";
import { QueueDialogs } from "./queue-dialogs.tsx";
import type { QueueDialog } from "./queue-dialogs.tsx";
import classes from "./queues-page.module.css";
import { QueuesTable } from "./queues-table.tsx";
import { TaskLimits } from "./task-limits.tsx";
import { useResume } from "./use-resume.ts";

/** Every queue with what is in it, and what can be done with it. */
export function QueuesPage() {
  const query = useMonitorQuery(["queues"], fetchQueues);
  const [dialog, setDialog] = useState<QueueDialog>();
  const all = query.data?.all;
  return (
    <>
      <PageHead
        title="Queues"
        note={query.data === undefined ? undefined : <Totals list={query.data} />}
        actions={all === undefined ? undefined : <AllQueuesActions all={all} onOpen={setDialog} />}
      />
      {all === undefined || all.paused === null ? null : (
        <div className={classes.notice}>
          <Notice
            tone="warn"
            icon={<IconPlayerPause size={18} />}
            title="All queues are paused: nothing starts"
          >
            <PauseNote pause={all.paused} />
          </Notice>
        </div>
      )}
      <Answered what="The queues" query={query}>
        {({ data }) => (data.length === 0 ? <NoQueues /> : <QueuesTable queues={data} onOpen={setDialog} />)}
      </Answered>
      <TaskLimits />
      <QueueDialogs dialog={dialog} queues={query.data} onClose={() => setDialog(undefined)} />
    </>
  );
}

function Totals({ list }: { list: QueueList }) {
  const { counts, running, max_running: limit } = list.all;
  const runs =
    limit === null ? `${countOf(running, "job")} running` : `${running} of at most ${limit} running`;
  return `${countOf(counts.queued ?? 0, "job")} queued, ${runs}, in ${countOf(list.data.length, "queue")}`;
}

function AllQueuesActions({ all, onOpen }: { all: Queue; onOpen: (dialog: QueueDialog) => void }) {
  const resume = useResume();
  return (
    <>
      <Button variant="default" onClick={() => onOpen({ kind: "limit", queue: all.name })}>
        Limit all…
      </Button>
      {all.paused === null ? (
        <Button
          variant="default"
          leftSection={<IconPlayerPause size={16} />}
          onClick={() => onOpen({ kind: "pause", queue: all.name })}
        >
          Pause all…
        </Button>
      ) : (
        <Button
          leftSection={<IconPlayerPlay size={16} />}
          loading={resume.isPending}
          onClick={() => resume.mutate(all.name)}
        >
          Resume all
        </Button>
      )}
    </>
  );
}

function NoQueues() {
  return (
    <EmptyState icon={<IconStack2 size={26} />} title="No queues yet">
      A queue is here as soon as a job was put into it or a worker serves it.
    </EmptyState>
  );
}
