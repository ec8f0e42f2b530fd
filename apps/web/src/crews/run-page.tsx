import type { CrewQuestion, CrewRunDetail, WaitingFor } from "@millrace/contracts";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { announce } from "../feedback/announcer.tsx";
import { Moment } from "../formatting/moment.tsx";
import { AnswerForm } from "../jobs/answer-form.tsx";
import { Duration } from "../jobs/duration.tsx";
import { DetailAnswer, DetailPage } from "../parts/detail-page.tsx";
import { ErrorNotice } from "../parts/error-notice.tsx";
import { FigureList } from "../parts/figure-list.tsx";
import { JobStateBadge } from "../jobs/job-state-badge.tsx";
import { displayStateLabels } from "../jobs/job-states.ts";
import type { CrewNews } from "./crew-live.ts";
import { answerCrewRun } from "./crew-requests.ts";
import { LongText } from "./long-text.tsx";
import { NowPanel } from "./now-panel.tsx";
import { RunActions } from "./run-actions.tsx";
import { RunAside } from "./run-aside.tsx";
import classes from "./run-page.module.css";
import { RunResult } from "./run-result.tsx";
import { RunTimeline } from "./run-timeline.tsx";
import { figuresOf, isOver, waitWords } from "./run-words.ts";
import { useCrewNews, useCrewRun } from "./use-crew-run.ts";

const route = getRouteApi("/crews/runs/$id");

export function RunPage() {
  const { id } = route.useParams();
  return (
    <DetailAnswer thing="run" query={useCrewRun(id)}>
      {(run) => <LoadedRun key={id} run={run} />}
    </DetailAnswer>
  );
}

function LoadedRun({ run }: { run: CrewRunDetail }) {
  const news = useCrewNews(run.id);
  useStateAnnouncements(run);
  return (
    <DetailPage
      thing="run"
      title={run.crew}
      facts={
        <>
          <JobStateBadge state={run.display_state} />
          <span>
            a run of{" "}
            <Link to="/crews/$name" params={{ name: run.crew }}>
              this crew
            </Link>
          </span>
          <span>
            <Moment value={run.created_at} />
          </span>
          <span>
            <Duration span={{ from: run.created_at, to: run.finished_at }} />
          </span>
        </>
      }
      actions={<RunActions run={run} />}
      standing={<Standing run={run} news={news} />}
      aside={<RunAside run={run} />}
    >
      <RunResult run={run} />
      <RunTimeline run={run} news={news} />
    </DetailPage>
  );
}

/** How it stands: what it asks, what it failed with, who works, what it used so far. */
function Standing({ run, news }: { run: CrewRunDetail; news: CrewNews }) {
  const { error, waiting_for: question } = run;
  const waits = waitWords(run);
  return (
    <>
      {question === null ? null : <Question run={run} question={question} />}
      {error === null || run.state === "succeeded" ? null : (
        <ErrorNotice
          error={error}
          {...(!isOver(run) ? { tone: "warn", title: "The last attempt failed" } : {})}
        />
      )}
      {waits === undefined ? null : <p className={classes.waits}>{waits}</p>}
      <FigureList figures={figuresOf(run)} />
      {run.state === "running" ? <NowPanel run={run} news={news} /> : null}
    </>
  );
}

const review = { field: "What has to change", accept: "Accept it", change: "Ask for this change" };

function Question({ run, question }: { run: CrewRunDetail; question: CrewQuestion }) {
  const asked: WaitingFor = {
    key: question.key,
    question: question.question,
    since: question.since,
    schema: { type: "string" },
    problem: null,
    expires_at: null,
  };
  return (
    <AnswerForm
      asked={asked}
      review={review}
      send={(answer) => answerCrewRun(run, { key: question.key, answer: String(answer) })}
    >
      {question.output === "" ? null : (
        <div className={classes.judged}>
          <LongText text={question.output} label="the output to judge" />
        </div>
      )}
    </AnswerForm>
  );
}

/** Said once per state: text as it is written is for the eye. */
function useStateAnnouncements(run: CrewRunDetail): void {
  const known = useRef(run.display_state);
  useEffect(() => {
    if (known.current === run.display_state) return;
    known.current = run.display_state;
    announce(`${displayStateLabels[run.display_state]}: ${run.crew}`);
  }, [run.display_state, run.crew]);
}
