import type { Workflow, WorkflowNodeState } from "@millrace/contracts";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconLock from "@tabler/icons-react/dist/esm/icons/IconLock.mjs";
import IconPlayerSkipForward from "@tabler/icons-react/dist/esm/icons/IconPlayerSkipForward.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";

type State = WorkflowNodeState | Workflow["display_state"];

const looks: Record<State, { label: string; tone: BadgeTone; icon: typeof IconLock }> = {
  blocked: { label: "To come", tone: "quiet", icon: IconLock },
  running: { label: "Running", tone: "accent", icon: IconLoader2 },
  cancelling: { label: "Cancelling", tone: "warn", icon: IconLoader2 },
  succeeded: { label: "Succeeded", tone: "good", icon: IconCircleCheck },
  failed: { label: "Failed", tone: "bad", icon: IconCircleX },
  cancelled: { label: "Cancelled", tone: "quiet", icon: IconPlayerStop },
  skipped: { label: "Skipped", tone: "quiet", icon: IconPlayerSkipForward },
};

/** The state of a workflow, or of one node of it. Give a workflow's `display_state`. */
export function WorkflowStateBadge({ state }: { state: State }) {
  const { label, tone, icon: Icon } = looks[state];
  return (
    <Badge
      tone={tone}
      icon={<Icon size={15} stroke={2} />}
      isTurning={state === "running" || state === "cancelling"}
    >
      {label}
    </Badge>
  );
}
