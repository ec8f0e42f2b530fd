import type { ScheduleDetail, ScheduleRun } from "@millrace/contracts";
import { Button, Drawer } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import IconPencil from "@tabler/icons-react/dist/esm/icons/IconPencil.mjs";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import IconPlayerTrackNext from "@tabler/icons-react/dist/esm/icons/IconPlayerTrackNext.mjs";
import { Notice } from "../feedback/notice.tsx";
import { Moment } from "../formatting/moment.tsx";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { formatAbsolute } from "../formatting/time.ts";
import { Fact, Facts } from "../jobs/job-facts.tsx";
import { isEmptyJson } from "../jobs/json-shape.ts";
import { JsonTree } from "../jobs/json-tree.tsx";
import { Answered } from "../parts/states.tsx";
import { useMonitorQuery } from "../monitor/parts/use-monitor-query.ts";
import { MomentList } from "./moment-list.tsx";
import classes from "./schedule-drawer.module.css";
import type { ScheduleDialogWish } from "./schedule-menu.tsx";
import { fetchSchedule } from "./schedule-requests.ts";
import { RunBadge, ScheduleStateBadge } from "./schedule-state.tsx";
import { intervalWords, ruleWords } from "./schedule-words.ts";
import { useScheduleAction } from "./use-schedule-actions.ts";

/** One schedule: when it runs next, what became of the last times, and what it enqueues. */
export function ScheduleDrawer({
  id,
  onClose,
  onWish,
}: {
  id: string;
  onClose: () => void;
  onWish: (wish: ScheduleDialogWish) => void;
}) {
  const query = useMonitorQuery(["schedule", id], (signal) => fetchSchedule(id, signal));
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="md"
      title={query.data?.name ?? "Schedule"}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Answered what="The schedule" query={query}>
        {(schedule) => <Detail schedule={schedule} onWish={onWish} />}
      </Answered>
    </Drawer>
  );
}

function Detail({
  schedule,
  onWish,
}: {
  schedule: ScheduleDetail;
  onWish: (wish: ScheduleDialogWish) => void;
}) {
  return (
    <div className={classes.detail}>
      {schedule.description === null ? null : <p>{schedule.description}</p>}
      <p className={classes.line}>
        <ScheduleStateBadge state={schedule.state} />
        <span>{ruleWords(schedule)}</span>
      </p>
      <Actions schedule={schedule} onWish={onWish} />
      <Pause schedule={schedule} />
      {schedule.last_error === null ? null : (
        <Notice tone="bad" title="The last time got no job">
          {schedule.last_error.message}
        </Notice>
      )}
      <section>
        <h3 className={classes.title}>Next times</h3>
        <NextRuns schedule={schedule} />
      </section>
      <section>
        <h3 className={classes.title}>Last times</h3>
        <LastRuns runs={schedule.last_runs} />
      </section>
      <section>
        <h3 className={classes.title}>What it does</h3>
        <Details schedule={schedule} />
      </section>
      {isEmptyJson(schedule.input) ? null : (
        <section>
          <h3 className={classes.title}>Input</h3>
          <JsonTree value={schedule.input} />
        </section>
      )}
    </div>
  );
}

function Actions({
  schedule,
  onWish,
}: {
  schedule: ScheduleDetail;
  onWish: (wish: ScheduleDialogWish) => void;
}) {
  const action = useScheduleAction(schedule);
  const pending = action.isPending ? action.variables : undefined;
  return (
    <div className={classes.actions}>
      <Button
        size="compact-md"
        leftSection={<IconPlayerTrackNext size={16} />}
        loading={pending === "run"}
        onClick={() => action.mutate("run")}
      >
        Run now
      </Button>
      {schedule.state === "paused" ? (
        <Button
          size="compact-md"
          variant="default"
          leftSection={<IconPlayerPlay size={16} />}
          loading={pending === "resume"}
          onClick={() => action.mutate("resume")}
        >
          Resume
        </Button>
      ) : (
        <Button
          size="compact-md"
          variant="default"
          leftSection={<IconPlayerPause size={16} />}
          loading={pending === "pause"}
          onClick={() => action.mutate("pause")}
        >
          Pause
        </Button>
      )}
      <Button
        size="compact-md"
        variant="default"
        leftSection={<IconPencil size={16} />}
        onClick={() => onWish({ kind: "edit", schedule })}
      >
        Edit…
      </Button>
    </div>
  );
}

function Pause({ schedule: { paused } }: { schedule: ScheduleDetail }) {
  if (paused === null) return null;
  return (
    <Notice tone="warn">
      Paused <Moment value={paused.at} /> by {paused.by}
      {paused.reason === null ? "." : `: ${paused.reason}`}
    </Notice>
  );
}

function NextRuns({ schedule }: { schedule: ScheduleDetail }) {
  if (schedule.next_runs.length === 0) return <p className={classes.quiet}>There are none any more.</p>;
  return (
    <>
      {schedule.state === "paused" ? <p className={classes.quiet}>If it were resumed now:</p> : null}
      <MomentList moments={schedule.next_runs} />
      {schedule.jitter_seconds === 0 ? null : (
        <p className={classes.quiet}>Each comes up to {intervalWords(schedule.jitter_seconds)} later.</p>
      )}
    </>
  );
}

function LastRuns({ runs }: { runs: readonly ScheduleRun[] }) {
  if (runs.length === 0) return <p className={classes.quiet}>It has not run yet.</p>;
  return (
    <ol className={classes.runs}>
      {runs.map((run) => (
        <li key={run.id}>
          <span className={classes.run}>
            {run.job_id === null || run.job_state === null ? (
              <Moment value={run.scheduled_for} />
            ) : (
              <Link to="/monitor/jobs/$id" params={{ id: run.job_id }}>
                <Moment value={run.scheduled_for} />
              </Link>
            )}
            <RunBadge run={run} />
          </span>
          <RunWords run={run} />
        </li>
      ))}
    </ol>
  );
}

function RunWords({ run }: { run: ScheduleRun }) {
  const words = [
    run.is_manual ? `Asked for by ${run.by ?? "somebody"}` : undefined,
    run.missed === 0 ? undefined : `${countOf(run.missed, "time")} before it passed without a job`,
    run.error?.message,
  ].filter((word) => word !== undefined);
  return words.length === 0 ? null : <p className={classes.quiet}>{words.join(". ")}</p>;
}

const misfireWords = {
  skip: "Times that nobody was there for are left out",
  once: "Of times that nobody was there for, the last one runs",
  all: "All times that nobody was there for run later",
} as const;

function Details({ schedule }: { schedule: ScheduleDetail }) {
  return (
    <Facts>
      <Fact name="Task">
        <Link to="/monitor/jobs" search={{ task: schedule.task }}>
          {schedule.task}
        </Link>
      </Fact>
      {schedule.cron === null ? null : (
        <Fact name="Cron">
          <code className={classes.code}>{schedule.cron}</code> in {schedule.timezone}
        </Fact>
      )}
      {schedule.start_at === null ? null : <Fact name="From">{formatAbsolute(schedule.start_at)}</Fact>}
      {schedule.end_at === null ? null : <Fact name="Until">{formatAbsolute(schedule.end_at)}</Fact>}
      <Fact name="Queue">{schedule.queue ?? "The task's own"}</Fact>
      <Fact name="Priority">{schedule.priority ?? "The task's own"}</Fact>
      {schedule.tags.length === 0 ? null : <Fact name="Tags">{schedule.tags.join(", ")}</Fact>}
      <Fact name="Missed">{misfireWords[schedule.misfire]}</Fact>
      <Fact name="Overlap">
        {schedule.overlap === "skip" ? "Never beside the former one" : "May run beside the former one"}
      </Fact>
      <Fact name="So far">
        {countOf(schedule.total_runs, "run")}
        {schedule.total_missed === 0 ? "" : `, ${formatCount(schedule.total_missed)} missed`}
      </Fact>
      <Fact name="Made by">
        {schedule.source === "product"
          ? "Millrace itself"
          : schedule.source === "program"
            ? `The configuration${schedule.is_edited ? ", changed since by people" : ""}`
            : schedule.created_by}
      </Fact>
      <Fact name="Changed">
        <Moment value={schedule.updated_at} /> by {schedule.updated_by}
      </Fact>
    </Facts>
  );
}
