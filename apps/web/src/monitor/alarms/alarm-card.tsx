import type { Alarm } from "@millrace/contracts";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import IconAlertOctagon from "@tabler/icons-react/dist/esm/icons/IconAlertOctagon.mjs";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import { Moment } from "../../formatting/moment.tsx";
import { acknowledgeAlarm } from "../monitor-requests.ts";
import { Badge } from "../../feedback/badge.tsx";
import { useMonitorAction } from "../parts/use-monitor-action.ts";
import classes from "./alarm-card.module.css";
import { alarmLabels, placeOf } from "./alarm-kinds.ts";

export function AlarmCard({ alarm }: { alarm: Alarm }) {
  const acknowledge = useMonitorAction({
    run: acknowledgeAlarm,
    done: () => "Acknowledged. It stays open until what it tells of is over.",
    refused: "Not acknowledged",
  });
  const place = placeOf(alarm);
  const isOpen = alarm.state === "open";
  return (
    <li className={classes.root} data-severity={isOpen ? alarm.severity : undefined}>
      <div className={classes.body}>
        <p className={classes.head}>
          <AlarmBadge alarm={alarm} />
          <strong className={classes.kind}>{alarmLabels[alarm.kind]}</strong>
          <span className={classes.subject}>{alarm.subject}</span>
        </p>
        <p className={classes.message}>{alarm.message}</p>
        <p className={classes.facts}>
          <span>
            raised <Moment value={alarm.raised_at} />
          </span>
          {alarm.cleared_at === null ? null : (
            <span>
              cleared <Moment value={alarm.cleared_at} />
            </span>
          )}
          {alarm.acknowledged_at === null ? null : (
            <span>
              acknowledged{alarm.acknowledged_by === null ? "" : ` by ${alarm.acknowledged_by}`}{" "}
              <Moment value={alarm.acknowledged_at} />
            </span>
          )}
          {isOpen && place !== undefined ? <Link {...place}>Look into it</Link> : null}
        </p>
      </div>
      {isOpen && alarm.acknowledged_at === null ? (
        <Button
          variant="default"
          size="sm"
          loading={acknowledge.isPending}
          onClick={() => acknowledge.mutate(alarm.id)}
          aria-label={`Acknowledge: ${alarmLabels[alarm.kind]}, ${alarm.subject}`}
        >
          Acknowledge
        </Button>
      ) : null}
    </li>
  );
}

function AlarmBadge({ alarm }: { alarm: Alarm }) {
  if (alarm.state === "cleared") {
    return (
      <Badge tone="quiet" icon={<IconCircleCheck size={15} />}>
        Cleared
      </Badge>
    );
  }
  return alarm.severity === "critical" ? (
    <Badge tone="bad" icon={<IconAlertOctagon size={15} />}>
      Critical
    </Badge>
  ) : (
    <Badge tone="warn" icon={<IconAlertTriangle size={15} />}>
      Warning
    </Badge>
  );
}
