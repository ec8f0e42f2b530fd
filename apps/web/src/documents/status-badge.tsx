import type { Document } from "@millrace/contracts";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import { Badge } from "../feedback/badge.tsx";
import type { BadgeTone } from "../feedback/badge.tsx";
import { statusLabels } from "./statuses.ts";

const looks: Record<Document["status"], { tone: BadgeTone; icon: typeof IconClock }> = {
  uploaded: { tone: "quiet", icon: IconClock },
  processing: { tone: "accent", icon: IconLoader2 },
  completed: { tone: "good", icon: IconCircleCheck },
  partial: { tone: "warn", icon: IconAlertTriangle },
  failed: { tone: "bad", icon: IconCircleX },
  cancelled: { tone: "quiet", icon: IconPlayerStop },
};

/** A document's status by sign, colour and word: never by colour alone. */
export function StatusBadge({ status }: { status: Document["status"] }) {
  const { tone, icon: Icon } = looks[status];
  return (
    <Badge tone={tone} icon={<Icon size={15} stroke={2} />} isTurning={status === "processing"}>
      {statusLabels[status]}
    </Badge>
  );
}
