import { VisuallyHidden } from "@mantine/core";
import { countOf } from "../../formatting/numbers.ts";
import classes from "./alarm-count.module.css";
import { useAlarmSummary } from "./use-alarm-summary.ts";

/** How many alarms are open, beside the link to them; nothing while there are none. */
export function AlarmCount() {
  const summary = useAlarmSummary();
  if (summary === undefined || summary.open === 0) return null;
  return (
    <span className={classes.root} data-critical={summary.critical > 0 || undefined}>
      <span aria-hidden="true">{summary.open > 99 ? "99+" : summary.open}</span>
      <VisuallyHidden>, {countOf(summary.open, "open alarm")}</VisuallyHidden>
    </span>
  );
}
