import type { JobDetail } from "@millrace/contracts";
import { Skeleton } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconArrowLeft from "@tabler/icons-react/dist/esm/icons/IconArrowLeft.mjs";
import IconFileOff from "@tabler/icons-react/dist/esm/icons/IconFileOff.mjs";
import { useEffect, useRef } from "react";
import { isApiProblem } from "../api/problem.ts";
import { ButtonLink } from "../app/button-link.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { announce } from "../feedback/announcer.tsx";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { Notice } from "../feedback/notice.tsx";
import { Moment } from "../formatting/moment.tsx";
import { LogBox } from "../logs/log-box.tsx";
import { JobStateBadge } from "../monitor/parts/job-state-badge.tsx";
import { displayStateLabels } from "../monitor/parts/job-states.ts";
import { AttemptList } from "./attempt-list.tsx";
import { JobActions } from "./job-actions.tsx";
import { JobAside } from "./job-aside.tsx";
import { progressOf } from "./job-live.ts";
import type { JobNews } from "./job-live.ts";
import classes from "./job-page.module.css";
import { JobProgress } from "./job-progress.tsx";
import { JobTreePanel } from "./job-tree-panel.tsx";
import { hasEnded } from "./job-times.ts";
import { JsonPanel } from "./json-panel.tsx";
import { OmittedPanel } from "./omitted-panel.tsx";
import { Panel } from "./panel.tsx";
import { StepList } from "./step-list.tsx";
import { useJob, useJobLog, useJobNews } from "./use-job.ts";

const route = getRouteApi("/monitor/jobs/$id");

export function JobPage() {
  const { id } = route.useParams();
  const job = useJob(id);
  // Also when it was shown until now: ended jobs are purged after their retention.
  if (isApiProblem(job.error) && (job.error.status === 404 || job.error.status === 422)) return <NoJob />;
  if (job.data !== undefined) return <LoadedJob key={id} job={job.data} />;
  if (job.isError) {
    return <LoadFailure isPage what="This job" error={job.error} onRetry={() => void job.refetch()} />;
  }
  return <JobSkeleton />;
}

function LoadedJob({ job }: { job: JobDetail }) {
  const news = useJobNews(job.id);
  usePageTitle(job.task);
  useAnnouncedPage(`Job ${job.task}`);
  useStateAnnouncements(job);
  return (
    <>
      <Link to="/monitor/jobs" className={classes.back}>
        <IconArrowLeft size={16} aria-hidden="true" /> Jobs
      </Link>
      <div className={classes.head}>
        <div className={classes.words}>
          <h1 className={classes.title}>{job.task}</h1>
          <p className={classes.facts}>
            <JobStateBadge state={job.display_state} />
            <span>
              in{" "}
              <Link to="/monitor/jobs" search={{ queue: job.queue }}>
                {job.queue}
              </Link>
            </span>
            <span>
              <Moment value={job.created_at} />
            </span>
          </p>
        </div>
        <JobActions job={job} />
      </div>
      <Standing job={job} news={news} />
      <div className={classes.columns}>
        <div className={classes.main}>
          {job.attempts.length === 0 ? null : (
            <Panel title="Attempts" isBare>
              <AttemptList attempts={job.attempts} />
            </Panel>
          )}
          {job.steps.length === 0 ? null : (
            <Panel title="Steps" isBare>
              <StepList steps={job.steps} />
            </Panel>
          )}
          <JobTreePanel job={job} />
          <JobLog job={job} news={news} />
          <Input job={job} />
          <Result job={job} />
        </div>
        <JobAside job={job} />
      </div>
    </>
  );
}

/** How it stands: how far it is, what it failed with, what it waits for. */
function Standing({ job, news }: { job: JobDetail; news: JobNews }) {
  const { error } = job;
  return (
    <div className={classes.standing}>
      {job.state === "running" ? (
        <JobProgress progress={progressOf(job, news)} label={`Progress of ${job.task}`} />
      ) : null}
      {error === null || job.state === "succeeded" ? null : (
        <Notice
          tone={job.state === "failed" ? "bad" : "warn"}
          icon={<IconAlertTriangle size={18} />}
          title={job.state === "failed" ? "It failed" : "The last attempt failed"}
        >
          <code className={classes.code}>{error.code}</code>
          <p className={classes.message}>{error.message}</p>
        </Notice>
      )}
      <WaitsFor job={job} />
    </div>
  );
}

const reasons: Readonly<Record<string, string>> = {
  delay: "It was given a later start",
  retry: "Its next attempt begins",
  snooze: "It asked to be woken",
  rate_limit: "A limit holds it back until about",
};

function WaitsFor({ job }: { job: JobDetail }) {
  if (job.state === "scheduled") {
    return (
      <p className={classes.waits}>
        {reasons[job.reason ?? ""] ?? "It begins"}: <Moment value={job.run_at} withAbsolute />.
      </p>
    );
  }
  if (job.state === "blocked") return <p className={classes.waits}>It waits for the jobs before it.</p>;
  if (job.state === "waiting") {
    return <p className={classes.waits}>It waits for a person or for something outside. It holds no slot.</p>;
  }
  if (job.state === "queued") return <p className={classes.waits}>It waits for a free worker.</p>;
  return null;
}

function JobLog({ job, news }: { job: JobDetail; news: JobNews }) {
  const { stored, lines } = useJobLog(job, news);
  if (lines.length > 0) return <LogBox stored={stored} lines={lines} none="" title="Log" />;
  return (
    <Panel title="Log">
      <LogBox stored={stored} lines={lines} none={noLines(job)} />
    </Panel>
  );
}

function noLines(job: JobDetail): string {
  return hasEnded(job)
    ? "It logged nothing for people, or its lines are older than seven days."
    : "No line yet. Lines appear here as the work goes on.";
}

function Input({ job }: { job: JobDetail }) {
  if (job.omitted.includes("input")) return <OmittedPanel title="Input" id={job.id} part="input" />;
  return <JsonPanel title="Input" value={job.input} none="It was given nothing." />;
}

function Result({ job }: { job: JobDetail }) {
  if (job.state !== "succeeded") return null;
  if (job.omitted.includes("output")) return <OmittedPanel title="Result" id={job.id} part="output" />;
  return <JsonPanel title="Result" value={job.output} none="It returned nothing." />;
}

/** Said once per state: per cents are for the eye. */
function useStateAnnouncements(job: JobDetail): void {
  const known = useRef(job.display_state);
  useEffect(() => {
    if (known.current === job.display_state) return;
    known.current = job.display_state;
    announce(`${displayStateLabels[job.display_state]}: ${job.task}`);
  }, [job.display_state, job.task]);
}

function NoJob() {
  usePageTitle("Not found");
  return (
    <EmptyState
      isPage
      icon={<IconFileOff size={26} />}
      title="This job is not here"
      action={<ButtonLink to="/monitor/jobs">See all jobs</ButtonLink>}
    >
      It ended so long ago that it was cleared away, or the link is wrong.
    </EmptyState>
  );
}

function JobSkeleton() {
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading the job">
      <Skeleton height={34} width="45%" />
      <Skeleton height={110} radius={12} />
      <Skeleton height={220} radius={12} />
    </div>
  );
}
