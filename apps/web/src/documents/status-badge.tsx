import type { Document } from "@millrace/contracts";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconClock from "@tabler/icons-react/dist/esm/icons/IconClock.mjs";
import IconLoader2 from "@tabler/icons-react/dist/esm/icons/IconLoader2.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import classes from "./status-badge.module.css";
import { statusLabels } from "./statuses.ts";

const icons: Record<Document["status"], typeof IconClock> = {
  uploaded: IconClock,
  processing: IconLoader2,
  completed: IconCircleCheck,
  partial: IconAlertTriangle,
  failed: IconCircleX,
  cancelled: IconPlayerStop,
};

/** A document's status by sign, colour and word: never by colour alone. */
export function StatusBadge({ status }: { status: Document["status"] }) {
  const Icon = icons[status];
  return (
    <span className={classes.badge} data-status={status}>
      <Icon size={15} stroke={2} aria-hidden="true" />
      {statusLabels[status]}
    </span>
  );
}
