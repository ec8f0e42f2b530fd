import type { Job, WorkerDetail } from "@millrace/contracts";
import { Modal } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Moment } from "../../formatting/moment.tsx";
import { countOf } from "../../formatting/numbers.ts";
import { fetchWorker } from "../monitor-requests.ts";
import { Elapsed } from "../../parts/elapsed.tsx";
import { JobStateBadge } from "../../jobs/job-state-badge.tsx";
import { Answered } from "../../parts/states.tsx";
import { useMonitorQuery } from "../parts/use-monitor-query.ts";
import { BrokerBadge } from "./broker-badge.tsx";
import { WorkerBadge } from "./worker-badge.tsx";
import classes from "./worker-panel.module.css";
import { lookOf } from "./worker-silence.ts";
import type { WatchedWorker } from "./worker-silence.ts";

/** One worker: what it runs just now, and what it can run. */
export function WorkerPanel({
  worker,
  seen,
  onClose,
}: {
  /** Its id or name. */
  worker: string;
  /** The same worker as the list knows it, which has watched its beats. */
  seen: WatchedWorker | undefined;
  onClose: () => void;
}) {
  const query = useMonitorQuery(["worker", worker], (signal) => fetchWorker(worker, signal));
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={`Worker ${query.data?.name ?? seen?.name ?? worker}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Answered what="The worker" query={query}>
        {(detail) => <Detail detail={detail} seen={seen} />}
      </Answered>
    </Modal>
  );
}

function Detail({ detail, seen }: { detail: WorkerDetail; seen: WatchedWorker | undefined }) {
  const tasks = detail.tasks.toSorted();
  return (
    <>
      <div className={classes.line}>
        {seen === undefined ? null : <WorkerBadge look={lookOf(seen)} />}
        <span>
          {detail.host}, process {detail.pid}, started <Moment value={detail.started_at} />
        </span>
        {detail.broker === null ? null : <BrokerBadge broker={detail.broker} />}
      </div>
      {detail.broker?.degraded === true ? <p className={classes.quiet}>{detail.broker.trouble}</p> : null}
      <h3 className={classes.title}>Runs now</h3>
      {detail.jobs.length === 0 ? (
        <p className={classes.quiet}>Nothing.</p>
      ) : (
        <ul className={classes.jobs}>
          {detail.jobs.map((job) => (
            <RunningJob key={job.id} job={job} />
          ))}
        </ul>
      )}
      <p className={classes.more}>
        <Link to="/monitor/jobs" search={{ worker: detail.id }}>
          All jobs that it ran
        </Link>
      </p>
      <details>
        <summary className={classes.summary}>It can run {countOf(tasks.length, "task")}</summary>
        <ul className={classes.tasks}>
          {tasks.map((task) => (
            <li key={task}>{task}</li>
          ))}
        </ul>
      </details>
    </>
  );
}

function RunningJob({ job }: { job: Job }) {
  return (
    <li className={classes.job}>
      <div className={classes.jobName}>
        <Link to="/monitor/jobs/$id" params={{ id: job.id }}>
          {job.task}
        </Link>
        <span className={classes.id}>{job.id}</span>
      </div>
      {job.started_at === null ? null : <Elapsed since={job.started_at} />}
      <JobStateBadge state={job.display_state} />
    </li>
  );
}
