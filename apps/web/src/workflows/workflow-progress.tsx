import type { Workflow } from "@millrace/contracts";
import { Progress } from "@mantine/core";
import { countOf, formatCount } from "../formatting/numbers.ts";
import classes from "./workflow-progress.module.css";

/** How many of a workflow's jobs have ended, as a bar and in figures. */
export function WorkflowProgress({ workflow }: { workflow: Workflow }) {
  const { percent, failed } = workflow.progress;
  return (
    <div className={classes.root}>
      <Progress.Root size={6} className={classes.bar}>
        <Progress.Section
          value={percent}
          aria-label={`Progress of ${workflow.name ?? "the workflow"}`}
          {...(failed > 0 && workflow.state !== "succeeded" ? { color: "var(--bad)" } : {})}
        />
      </Progress.Root>
      <p className={classes.words}>{progressWords(workflow.progress)}</p>
    </div>
  );
}

/** "3 of 12 jobs, 1 failed" */
export function progressWords({ ended, total, failed }: Workflow["progress"]): string {
  const words = `${formatCount(ended)} of ${countOf(total, "job")}`;
  return failed === 0 ? words : `${words}, ${formatCount(failed)} failed`;
}
