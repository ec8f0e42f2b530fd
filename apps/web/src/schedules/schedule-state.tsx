import type { Schedule, ScheduleRun } from "@millrace/contracts";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import IconPlayerSkipForward from "@tabler/icons-react/dist/esm/icons/IconPlayerSkipForward.mjs";
import { Badge } from "../feedback/badge.tsx";
import { JobStateBadge } from "../jobs/job-state-badge.tsx";

/** Whether a schedule goes on, stands still, or has nothing more to do. */
export function ScheduleStateBadge({ state }: { state: Schedule["state"] }) {
  if (state === "paused") {
    return (
      <Badge tone="warn" icon={<IconPlayerPause size={15} />}>
        Paused
      </Badge>
    );
  }
  if (state === "ended") {
    return (
      <Badge tone="quiet" icon={<IconCircleCheck size={15} />}>
        Ended
      </Badge>
    );
  }
  return (
    <Badge tone="good" icon={<IconClock size={15} />}>
      Active
    </Badge>
  );
}

const noJob = {
  missed: "Missed",
  overlap: "Left out: the former one still ran",
  refused: "Refused",
} as const;

/** What became of one time: its job's state, or why there was no job. */
export function RunBadge({ run }: { run: ScheduleRun }) {
  if (run.outcome === "enqueued") {
    // The job is cleared away before its run is.
    if (run.job_state === null) return <span>Job cleared away</span>;
    return <JobStateBadge state={run.job_state} />;
  }
  const Icon = run.outcome === "refused" ? IconAlertTriangle : IconPlayerSkipForward;
  return (
    <Badge tone={run.outcome === "refused" ? "bad" : "quiet"} icon={<Icon size={15} />}>
      {noJob[run.outcome]}
    </Badge>
  );
}
