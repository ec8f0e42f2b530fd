import type { JobDetail } from "@millrace/contracts";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { announce } from "../feedback/announcer.tsx";
import { Moment } from "../formatting/moment.tsx";
import { LogBox } from "../logs/log-box.tsx";
import { DetailAnswer, DetailPage } from "../parts/detail-page.tsx";
import { ErrorNotice } from "../parts/error-notice.tsx";
import { JobStateBadge } from "./job-state-badge.tsx";
import { displayStateLabels } from "./job-states.ts";
import { AnswerForm } from "./answer-form.tsx";
import { AttemptList } from "./attempt-list.tsx";
import { JobActions } from "./job-actions.tsx";
import { JobAside } from "./job-aside.tsx";
import { progressOf } from "./job-live.ts";
import type { JobNews } from "./job-live.ts";
import { answerJob } from "./job-requests.ts";
import classes from "./job-page.module.css";
import { JobProgress } from "./job-progress.tsx";
import { JobTreePanel } from "./job-tree-panel.tsx";
import { hasEnded } from "./job-times.ts";
import { JsonPanel } from "./json-panel.tsx";
import { OmittedPanel } from "./omitted-panel.tsx";
import { Panel } from "./panel.tsx";
import { putOffWords } from "./put-off-words.ts";
import { StepList } from "./step-list.tsx";
import { useJob, useJobLog, useJobNews } from "./use-job.ts";

const route = getRouteApi("/monitor/jobs/$id");

export function JobPage() {
  const { id } = route.useParams();
  return (
    <DetailAnswer thing="job" query={useJob(id)}>
      {(job) => <LoadedJob key={id} job={job} />}
    </DetailAnswer>
  );
}

function LoadedJob({ job }: { job: JobDetail }) {
  const news = useJobNews(job.id);
  useStateAnnouncements(job);
  return (
    <DetailPage
      thing="job"
      title={job.task}
      facts={
        <>
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
        </>
      }
      actions={<JobActions job={job} />}
      standing={<Standing job={job} news={news} />}
      aside={<JobAside job={job} />}
    >
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
    </DetailPage>
  );
}

/** How it stands: how far it is, what it failed with, what it waits for. */
function Standing({ job, news }: { job: JobDetail; news: JobNews }) {
  const { error } = job;
  return (
    <>
      {job.state === "running" ? (
        <JobProgress progress={progressOf(job, news)} label={`Progress of ${job.task}`} />
      ) : null}
      {error === null || job.state === "succeeded" ? null : (
        <ErrorNotice
          error={error}
          {...(job.state === "failed" ? {} : { tone: "warn", title: "The last attempt failed" })}
        />
      )}
      <WaitsFor job={job} />
    </>
  );
}

const reasons: Readonly<Record<string, string>> = {
  delay: "It was given a later start",
  retry: "Its next attempt begins",
  snooze: "It asked to be woken",
  rate_limit: "A limit holds it back until about",
};

function WaitsFor({ job }: { job: JobDetail }) {
  if (job.put_off !== null) return <p className={classes.waits}>{putOffWords(job.put_off)}</p>;
  if (job.state === "scheduled") {
    return (
      <p className={classes.waits}>
        {reasons[job.reason ?? ""] ?? "It begins"}: <Moment value={job.run_at} withAbsolute />.
      </p>
    );
  }
  if (job.state === "blocked") return <p className={classes.waits}>It waits for the jobs before it.</p>;
  const { waiting_for: asked } = job;
  if (asked !== null) {
    return <AnswerForm asked={asked} send={(answer) => answerJob(job.id, { key: asked.key, answer })} />;
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
