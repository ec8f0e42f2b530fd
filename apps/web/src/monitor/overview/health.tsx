import type { Queue } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import IconServerOff from "@tabler/icons-react/dist/esm/icons/IconServerOff.mjs";
import { fetchSystem } from "../../api/requests.ts";
import { Notice } from "../../feedback/notice.tsx";
import { countOf } from "../../formatting/numbers.ts";
import { AlarmCard } from "../alarms/alarm-card.tsx";
import { listAlarms } from "../monitor-requests.ts";
import { useMonitorQuery } from "../parts/use-monitor-query.ts";
import { PauseNote } from "../queues/pause-note.tsx";
import { isGone, lookOf } from "../workers/worker-silence.ts";
import type { WatchedWorker } from "../workers/worker-silence.ts";
import { BrokerNotice } from "./broker-notice.tsx";
import { brokerTrouble } from "./broker-trouble.ts";
import { isPresent } from "./present-workers.ts";
import classes from "./health.module.css";

/** More than these are on their own page. */
const shownAlarms = 3;

/** Whether all is well; what is not stands here before everything else. */
export function Health({ all, workers }: { all: Queue; workers: readonly WatchedWorker[] }) {
  const alarms = useMonitorQuery(["alarms", "first"], (signal) =>
    listAlarms({ state: "open", limit: shownAlarms }, signal),
  );
  const system = useMonitorQuery(["system"], (signal) => fetchSystem(signal));
  const brokers = brokerTrouble(system.data?.broker, workers.filter(isPresent));
  const hasWorker = workers.some(isPresent);
  const lost = workers.filter((worker) => lookOf(worker) === "lost" && !isGone(worker));
  const open = alarms.data?.data ?? [];
  const isWell =
    alarms.data !== undefined && open.length === 0 && hasWorker && lost.length === 0 && brokers === undefined;
  return (
    <div className={classes.root}>
      {hasWorker ? null : (
        <Notice tone="bad" icon={<IconServerOff size={18} />} title="No worker is running">
          Jobs wait until one comes. Start one with <code>millrace worker</code>.
        </Notice>
      )}
      {all.paused === null ? null : (
        <Notice tone="warn" icon={<IconPlayerPause size={18} />} title="All queues are paused">
          <PauseNote pause={all.paused} />. <Link to="/monitor/queues">Queues</Link>
        </Notice>
      )}
      {lost.length === 0 || open.length > 0 ? null : (
        <Notice
          tone="bad"
          icon={<IconServerOff size={18} />}
          title={`${countOf(lost.length, "worker")} ${lost.length === 1 ? "is" : "are"} lost`}
        >
          Nothing is heard of {lost.map(({ name }) => name).join(", ")}. Jobs that ran there go to other
          workers.
        </Notice>
      )}
      {brokers === undefined ? null : <BrokerNotice trouble={brokers} />}
      {open.length === 0 ? null : (
        <ul className={classes.alarms} aria-label="Open alarms">
          {open.map((alarm) => (
            <AlarmCard key={alarm.id} alarm={alarm} />
          ))}
        </ul>
      )}
      {alarms.data?.has_more === true ? <Link to="/monitor/alarms">See all open alarms</Link> : null}
      {alarms.isError && alarms.data === undefined ? (
        <Notice tone="warn">Whether alarms are open is not known just now.</Notice>
      ) : null}
      {isWell && all.paused === null ? (
        <Notice tone="good" icon={<IconCircleCheck size={18} />} title="All is well">
          No alarm is open, {countOf(workers.filter(isPresent).length, "worker")} at work.
        </Notice>
      ) : null}
    </div>
  );
}
