import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import IconFilterOff from "@tabler/icons-react/dist/esm/icons/IconFilterOff.mjs";
import rowClasses from "../parts/row.module.css";
import { Moment } from "../formatting/moment.tsx";
import { Badge } from "../feedback/badge.tsx";
import { DataTable } from "../parts/data-table.tsx";
import type { Column } from "../parts/data-table.tsx";
import { JobStateBadge } from "./job-state-badge.tsx";
import { Duration } from "./duration.tsx";
import { progressWords } from "./job-progress.tsx";
import classes from "./jobs-table.module.css";
import type { ListedJob } from "./listed-jobs.ts";

type JobsTableProps = {
  readonly rows: readonly ListedJob[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (id: string, isChosen: boolean) => void;
};

type Row = ListedJob & { readonly isChosen: boolean; readonly onChoose: (isChosen: boolean) => void };

const columns: readonly Column<Row>[] = [
  { key: "job", header: "Job", cell: (row) => <JobName {...row} /> },
  { key: "state", header: "State", width: "148px", cell: (row) => <RowState {...row} /> },
  { key: "queue", header: "Queue", width: "130px", cell: ({ job }) => job.queue },
  {
    key: "attempt",
    header: "Attempt",
    kind: "number",
    width: "86px",
    cell: ({ job }) => `${job.attempt} of ${job.max_attempts}`,
  },
  {
    key: "took",
    header: "Took",
    kind: "number",
    width: "104px",
    cell: ({ job }) => (
      <Duration span={job.started_at === null ? undefined : { from: job.started_at, to: job.finished_at }} />
    ),
  },
  { key: "created", header: "Created", width: "122px", cell: ({ job }) => <Moment value={job.created_at} /> },
];

/** Jobs to look through and to choose from. Each row is a link to its job. */
export function JobsTable({ rows, chosen, onChoose }: JobsTableProps) {
  const choosable = rows.map((row) => ({
    ...row,
    isChosen: chosen.has(row.job.id),
    onChoose: (isChosen: boolean) => onChoose(row.job.id, isChosen),
  }));
  const isNarrow = useMediaQuery("(max-width: 960px)", undefined, { getInitialValueInEffect: false });
  if (!isNarrow) {
    return (
      <DataTable label="Jobs, newest first" columns={columns} rows={choosable} keyOf={({ job }) => job.id} />
    );
  }
  return (
    <ul className={classes.list} aria-label="Jobs, newest first">
      {choosable.map((row) => (
        <li key={row.job.id} className={classes.row}>
          <JobName {...row} />
          <div className={classes.facts}>
            <RowState {...row} />
            <span>{row.job.queue}</span>
            <Moment value={row.job.created_at} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function JobName({ job, hasLeft, isChosen, onChoose }: Row) {
  return (
    <div className={classes.name}>
      <input
        type="checkbox"
        className={classes.box}
        aria-label={`Choose ${job.task} ${job.id}`}
        checked={isChosen}
        onChange={(event) => onChoose(event.currentTarget.checked)}
      />
      <div className={classes.words} data-left={hasLeft || undefined}>
        <Link
          to="/monitor/jobs/$id"
          params={{ id: job.id }}
          className={`${rowClasses.link} ${rowClasses.oneLine}`}
        >
          {job.task}
        </Link>
        <p className={`${rowClasses.below} ${rowClasses.oneLine}`}>
          {job.state === "running" ? (
            progressWords(job.progress).join(" · ")
          ) : job.error !== null && job.state !== "succeeded" ? (
            <span className={rowClasses.bad}>{job.error.message}</span>
          ) : (
            <span className={rowClasses.id}>{job.id}</span>
          )}
        </p>
      </div>
    </div>
  );
}

function RowState({ job, hasLeft }: ListedJob) {
  if (!hasLeft) return <JobStateBadge state={job.display_state} />;
  return (
    <Badge tone="quiet" icon={<IconFilterOff size={15} />}>
      Changed
    </Badge>
  );
}
