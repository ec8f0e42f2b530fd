import { Link, linkOptions, Outlet } from "@tanstack/react-router";
import classes from "./monitor-layout.module.css";

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

/** What is above every page of the monitor: the way to the others. */
export function MonitorLayout() {
  return (
    <>
      <nav className={classes.sections} aria-label="Monitor">
        <ul>
          {sections.map(({ to, label, isExact }) => (
            <li key={to}>
              <Link
                to={to}
                className={classes.section}
                activeOptions={{ exact: isExact, includeSearch: false }}
                activeProps={{ "data-active": true }}
              >
                {label}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <Outlet />
    </>
  );
}
