import type { AttemptOutcome, JobDetail } from "@millrace/contracts";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconArrowBackUp from "@tabler/icons-react/dist/esm/icons/IconArrowBackUp.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconClockX from "@tabler/icons-react/dist/esm/icons/IconClockX.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import { Moment } from "../formatting/moment.tsx";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import classes from "./attempt-list.module.css";
import { Duration } from "./duration.tsx";

type Attempt = JobDetail["attempts"][number];

const looks: Record<AttemptOutcome, { label: string; tone: BadgeTone; icon: typeof IconClock }> = {
  succeeded: { label: "Succeeded", tone: "good", icon: IconCircleCheck },
  failed: { label: "Failed", tone: "bad", icon: IconCircleX },
  timed_out: { label: "Timed out", tone: "bad", icon: IconClockX },
  crashed: { label: "Crashed", tone: "bad", icon: IconAlertTriangle },
  cancelled: { label: "Cancelled", tone: "quiet", icon: IconPlayerStop },
  snoozed: { label: "Snoozed", tone: "quiet", icon: IconClock },
  handed_back: { label: "Handed back", tone: "quiet", icon: IconArrowBackUp },
};

/** Every time a job ran, the newest first. */
export function AttemptList({ attempts }: { attempts: readonly Attempt[] }) {
  return (
    <ol className={classes.list} aria-label="Attempts, newest first">
      {attempts.map((attempt) => (
        <li key={attempt.started_at} className={classes.attempt}>
          <div className={classes.line}>
            <span className={classes.number}>Attempt {attempt.attempt}</span>
            <OutcomeBadge outcome={attempt.outcome} />
            <span>
              <Duration span={{ from: attempt.started_at, to: attempt.finished_at }} />
            </span>
            <span>
              <Moment value={attempt.started_at} />
            </span>
            {attempt.worker === null ? null : <span className={classes.worker}>on {attempt.worker}</span>}
          </div>
          {attempt.error === null ? null : (
            <div className={classes.error}>
              <code className={classes.code}>{attempt.error.code}</code>
              <p className={classes.message}>{attempt.error.message}</p>
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

function OutcomeBadge({ outcome }: { outcome: AttemptOutcome | null }) {
  if (outcome === null) {
    return (
      <Badge tone="accent" icon={<IconLoader2 size={15} />} isTurning>
        Running
      </Badge>
    );
  }
  const { label, tone, icon: Icon } = looks[outcome];
  return (
    <Badge tone={tone} icon={<Icon size={15} />}>
      {label}
    </Badge>
  );
}
