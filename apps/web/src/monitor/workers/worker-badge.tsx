import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconHourglass from "@tabler/icons-react/dist/esm/icons/IconHourglass.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import { Badge } from "../../feedback/badge.tsx";
import type { BadgeTone } from "../../feedback/badge.tsx";
import type { WorkerLook } from "./worker-silence.ts";

const looks: Record<WorkerLook, { label: string; tone: BadgeTone; icon: typeof IconCircleX }> = {
  running: { label: "Live", tone: "good", icon: IconCircleCheck },
  draining: { label: "Draining", tone: "warn", icon: IconHourglass },
  stopping: { label: "Stopping", tone: "warn", icon: IconHourglass },
  late: { label: "No sign", tone: "warn", icon: IconAlertTriangle },
  lost: { label: "Lost", tone: "bad", icon: IconCircleX },
  stopped: { label: "Stopped", tone: "quiet", icon: IconPlayerStop },
};

export function toneOf(look: WorkerLook): BadgeTone {
  return looks[look].tone;
}

export function WorkerBadge({ look }: { look: WorkerLook }) {
  const { label, tone, icon: Icon } = looks[look];
  return (
    <Badge tone={tone} icon={<Icon size={15} stroke={2} />}>
      {label}
    </Badge>
  );
}
