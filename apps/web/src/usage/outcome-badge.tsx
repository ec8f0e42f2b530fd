import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconDatabase from "@tabler/icons-react/dist/esm/icons/IconDatabase.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconUsers from "@tabler/icons-react/dist/esm/icons/IconUsers.mjs";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { labelOfOutcome } from "./outcomes.ts";
import type { CallOutcome } from "./usage-requests.ts";

const looks: Readonly<Record<CallOutcome, { icon: typeof IconUsers; tone: BadgeTone }>> = {
  answered: { icon: IconCircleCheck, tone: "good" },
  cached: { icon: IconDatabase, tone: "accent" },
  shared: { icon: IconUsers, tone: "accent" },
  failed: { icon: IconCircleX, tone: "bad" },
  cancelled: { icon: IconPlayerStop, tone: "quiet" },
};

/** How a call ended. */
export function OutcomeBadge({ outcome }: { outcome: CallOutcome }) {
  const { icon: Icon, tone } = looks[outcome];
  return (
    <Badge tone={tone} icon={<Icon size={15} stroke={2} />}>
      {labelOfOutcome(outcome)}
    </Badge>
  );
}
