import type { Schedule } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import rowClasses from "../parts/row.module.css";
import { Moment } from "../formatting/moment.tsx";
import { DataTable } from "../parts/data-table.tsx";
import type { Column } from "../parts/data-table.tsx";
import { JobStateBadge } from "../jobs/job-state-badge.tsx";
import { ScheduleMenu } from "./schedule-menu.tsx";
import type { ScheduleDialogWish } from "./schedule-menu.tsx";
import { ScheduleStateBadge } from "./schedule-state.tsx";
import { ruleWords } from "./schedule-words.ts";
import classes from "./schedules-table.module.css";
import { Upcoming } from "./upcoming.tsx";

type Row = { readonly schedule: Schedule; readonly onWish: (wish: ScheduleDialogWish) => void };

const columns: readonly Column<Row>[] = [
  { key: "name", header: "Schedule", cell: ({ schedule }) => <Name schedule={schedule} /> },
  { key: "rule", header: "Runs", width: "22%", cell: ({ schedule }) => <Rule schedule={schedule} /> },
  {
    key: "state",
    header: "State",
    width: "112px",
    cell: ({ schedule }) => <ScheduleStateBadge state={schedule.state} />,
  },
  { key: "next", header: "Next", width: "132px", cell: ({ schedule }) => <Next schedule={schedule} /> },
  { key: "last", header: "Last", width: "140px", cell: ({ schedule }) => <Last schedule={schedule} /> },
  {
    key: "actions",
    header: "Actions",
    kind: "actions",
    width: "60px",
    cell: ({ schedule, onWish }) => <ScheduleMenu schedule={schedule} onWish={onWish} />,
  },
];

export function SchedulesTable({
  schedules,
  onWish,
}: {
  schedules: readonly Schedule[];
  onWish: (wish: ScheduleDialogWish) => void;
}) {
  return (
    <DataTable
      label="Schedules"
      columns={columns}
      rows={schedules.map((schedule) => ({ schedule, onWish }))}
      keyOf={({ schedule }) => schedule.id}
    />
  );
}

function Name({ schedule }: { schedule: Schedule }) {
  return (
    <>
      <Link
        to="/monitor/schedules"
        search={(before) => ({ ...before, schedule: schedule.id })}
        className={rowClasses.link}
      >
        {schedule.name}
      </Link>
      <p className={rowClasses.below}>
        {schedule.task}
        {schedule.source === "product" ? " · Millrace's own" : ""}
      </p>
    </>
  );
}

function Rule({ schedule }: { schedule: Schedule }) {
  return (
    <>
      <span title={schedule.cron ?? undefined}>{ruleWords(schedule)}</span>
      {schedule.cron === null ? null : <p className={rowClasses.below}>{schedule.timezone}</p>}
    </>
  );
}

function Next({ schedule }: { schedule: Schedule }) {
  if (schedule.state !== "active" || schedule.due_at === null) return "—";
  return <Upcoming moment={schedule.due_at} />;
}

function Last({ schedule }: { schedule: Schedule }) {
  return (
    <>
      {schedule.last_at === null ? "Never" : <LastJob schedule={schedule} at={schedule.last_at} />}
      {schedule.last_error === null ? null : (
        <p className={classes.bad} title={schedule.last_error.message}>
          No job: {schedule.last_error.message}
        </p>
      )}
    </>
  );
}

function LastJob({ schedule, at }: { schedule: Schedule; at: string }) {
  // A job that was cleared away has no page any more.
  if (schedule.last_job_id === null || schedule.last_job_state === null) return <Moment value={at} />;
  return (
    <span className={classes.last}>
      <Link to="/monitor/jobs/$id" params={{ id: schedule.last_job_id }} className={classes.job}>
        <Moment value={at} />
      </Link>
      <JobStateBadge state={schedule.last_job_state} />
    </span>
  );
}
