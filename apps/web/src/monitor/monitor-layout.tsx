import { UnstyledButton } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, linkOptions, Outlet } from "@tanstack/react-router";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import { useEffect, useMemo, useState } from "react";
import { useLive } from "../live/live-context.ts";
import { AlarmCount } from "./alarms/alarm-count.tsx";
import classes from "./monitor-layout.module.css";
import { followMonitor } from "./monitor-notices.ts";
import { monitorRoot } from "./parts/monitor-keys.ts";
import { MonitorUpdatesContext } from "./parts/monitor-updates.ts";

const sections = linkOptions([
  { to: "/monitor", label: "Overview", isExact: true },
  { to: "/monitor/queues", label: "Queues", isExact: false },
  { to: "/monitor/workers", label: "Workers", isExact: false },
  { to: "/monitor/jobs", label: "Jobs", isExact: false },
  { to: "/monitor/failures", label: "Failures", isExact: false },
  { to: "/monitor/workflows", label: "Workflows", isExact: false },
  { to: "/monitor/schedules", label: "Schedules", isExact: false },
  { to: "/monitor/alarms", label: "Alarms", isExact: false },
]);

/** What is above every page of the monitor: the way to the others, and whether they follow. */
export function MonitorLayout() {
  const { socket, renewals } = useLive();
  const queries = useQueryClient();
  const [isPaused, setIsPaused] = useState(false);
  const updates = useMemo(() => ({ isPaused }), [isPaused]);
  useEffect(() => (isPaused ? undefined : followMonitor(renewals, socket)), [isPaused, renewals, socket]);

  const toggle = () => {
    if (isPaused) void queries.invalidateQueries({ queryKey: monitorRoot });
    setIsPaused(!isPaused);
  };
  return (
    <MonitorUpdatesContext value={updates}>
      <div className={classes.bar}>
        <nav className={classes.sections} aria-label="Monitor">
          <ul>
            {sections.map(({ to, label, isExact }) => (
              <li key={to}>
                <Link
                  to={to}
                  className={classes.section}
                  activeOptions={{ exact: isExact, includeSearch: false }}
                  activeProps={{ "data-active": true, ref: intoView }}
                >
                  {label}
                  {to === "/monitor/alarms" ? <AlarmCount /> : null}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <UnstyledButton
          className={classes.pause}
          data-paused={isPaused || undefined}
          title={isPaused ? "These pages stand still" : "Keep these pages as they are, to read them"}
          onClick={toggle}
        >
          {isPaused ? <IconPlayerPlay size={15} /> : <IconPlayerPause size={15} />}
          <span className={classes.pauseLabel}>{isPaused ? "Follow again" : "Pause updates"}</span>
        </UnstyledButton>
      </div>
      <Outlet />
    </MonitorUpdatesContext>
  );
}

/** On a phone the page one is on may be beyond the edge of the row. */
function intoView(link: HTMLAnchorElement | null): void {
  const row = link?.closest("nav");
  if (link === null || row === null || row === undefined) return;
  const { offsetLeft, offsetWidth } = link;
  if (offsetLeft + offsetWidth > row.scrollLeft + row.clientWidth || offsetLeft < row.scrollLeft) {
    row.scrollLeft = offsetLeft - 48;
  }
}
