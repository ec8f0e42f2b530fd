import type { JobDetail } from "@millrace/contracts";
import { DataTable } from "../parts/data-table.tsx";
import type { Column } from "../parts/data-table.tsx";
import { Moment } from "../formatting/moment.tsx";
import { countOf } from "../formatting/numbers.ts";
import { Duration } from "./duration.tsx";
import classes from "./step-list.module.css";

type Step = JobDetail["steps"][number];

const columns: readonly Column<Step>[] = [
  { key: "key", header: "Step", cell: (step) => step.key },
  {
    key: "state",
    header: "State",
    width: "150px",
    cell: (step) =>
      `${step.state === "done" ? "Done" : "Begun"}${step.starts > 1 ? `, ${countOf(step.starts, "start")}` : ""}`,
  },
  {
    key: "took",
    header: "Took",
    kind: "number",
    width: "110px",
    // One that was begun and left has no length.
    cell: (step) => (
      <Duration
        span={step.finished_at === null ? undefined : { from: step.started_at, to: step.finished_at }}
      />
    ),
  },
  {
    key: "started",
    header: "Began",
    width: "140px",
    cell: (step) => <Moment value={step.started_at} />,
  },
];

/** What a job has recorded on its way: steps that are done are not done again by a later attempt. */
export function StepList({ steps }: { steps: readonly Step[] }) {
  return (
    <div className={classes.flush}>
      <DataTable label="Steps" columns={columns} rows={steps} keyOf={(step) => step.key} cardsBelow={640} />
    </div>
  );
}
