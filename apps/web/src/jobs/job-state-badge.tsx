import type { Job } from "@millrace/contracts";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconClockX from "@tabler/icons-react/dist/esm/icons/IconClockX.mjs";
import IconHourglass from "@tabler/icons-react/dist/esm/icons/IconHourglass.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconLock from "@tabler/icons-react/dist/esm/icons/IconLock.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRotateClockwise from "@tabler/icons-react/dist/esm/icons/IconRotateClockwise.mjs";
import IconStack2 from "@tabler/icons-react/dist/esm/icons/IconStack2.mjs";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { displayStateLabels } from "./job-states.ts";

const looks: Record<Job["display_state"], { icon: typeof IconClock; tone: BadgeTone }> = {
  blocked: { icon: IconLock, tone: "quiet" },
  scheduled: { icon: IconClock, tone: "quiet" },
  retrying: { icon: IconRotateClockwise, tone: "warn" },
  queued: { icon: IconStack2, tone: "quiet" },
  running: { icon: IconLoader2, tone: "accent" },
  cancelling: { icon: IconLoader2, tone: "warn" },
  waiting: { icon: IconHourglass, tone: "warn" },
  succeeded: { icon: IconCircleCheck, tone: "good" },
  failed: { icon: IconCircleX, tone: "bad" },
  cancelled: { icon: IconPlayerStop, tone: "quiet" },
  expired: { icon: IconClockX, tone: "quiet" },
};

/** The state of a job. Give its `display_state`, which knows retrying and cancelling. */
export function JobStateBadge({ state }: { state: Job["display_state"] }) {
  const { icon: Icon, tone } = looks[state];
  return (
    <Badge
      tone={tone}
      icon={<Icon size={15} stroke={2} />}
      isTurning={state === "running" || state === "cancelling"}
    >
      {displayStateLabels[state]}
    </Badge>
  );
}
