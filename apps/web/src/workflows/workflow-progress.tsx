import type { Workflow } from "@millrace/contracts";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { ProgressLine } from "../parts/progress-line.tsx";

/** How many of a workflow's jobs have ended, as a bar and in figures. */
export function WorkflowProgress({ workflow }: { workflow: Workflow }) {
  const { percent, failed } = workflow.progress;
  return (
    <ProgressLine
      percent={percent}
      label={`Progress of ${workflow.name ?? "the workflow"}`}
      words={progressWords(workflow.progress)}
      isFailing={failed > 0 && workflow.state !== "succeeded"}
    />
  );
}

/** "3 of 12 jobs, 1 failed" */
export function progressWords({ ended, total, failed }: Workflow["progress"]): string {
  const words = `${formatCount(ended)} of ${countOf(total, "job")}`;
  return failed === 0 ? words : `${words}, ${formatCount(failed)} failed`;
}
