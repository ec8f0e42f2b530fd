import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconBellOff from "@tabler/icons-react/dist/esm/icons/IconBellOff.mjs";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import { EmptyState } from "../../feedback/empty-state.tsx";
import { listAlarms } from "../monitor-requests.ts";
import { monitorKey } from "../parts/monitor-keys.ts";
import { useMonitorInterval } from "../parts/monitor-updates.ts";
import { PageHead } from "../../parts/page-head.tsx";
import { PagedRows } from "../../parts/paged-rows.tsx";
import { AlarmCard } from "./alarm-card.tsx";
import classes from "./alarms-page.module.css";

const route = getRouteApi("/monitor/alarms");
const pageSize = 50;

/** What is wrong now, and what was within the last month. */
export function AlarmsPage() {
  const { view = "open" } = route.useSearch();
  return (
    <>
      <PageHead title="Alarms" />
      <nav className={classes.views} aria-label="Alarms to show">
        <ViewLink view={undefined} label="Open" isCurrent={view === "open"} />
        <ViewLink view="all" label="Last 30 days" isCurrent={view === "all"} />
      </nav>
      <AlarmList view={view} />
    </>
  );
}

function ViewLink({
  view,
  label,
  isCurrent,
}: {
  view: "all" | undefined;
  label: string;
  isCurrent: boolean;
}) {
  return (
    <Link
      to="/monitor/alarms"
      search={{ view }}
      className={classes.view}
      data-current={isCurrent || undefined}
      aria-current={isCurrent ? "page" : undefined}
    >
      {label}
    </Link>
  );
}

function AlarmList({ view }: { view: "open" | "all" }) {
  const list = useInfiniteQuery({
    queryKey: monitorKey("alarms", "list", view),
    queryFn: ({ pageParam, signal }) =>
      listAlarms({ state: view, limit: pageSize, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: useMonitorInterval(),
  });
  return (
    <PagedRows what="The alarms" list={list} none={<NoAlarms view={view} />}>
      {(alarms) => (
        <ul className={classes.list} aria-label="Alarms" aria-busy={list.isPlaceholderData}>
          {alarms.map((alarm) => (
            <AlarmCard key={alarm.id} alarm={alarm} />
          ))}
        </ul>
      )}
    </PagedRows>
  );
}

function NoAlarms({ view }: { view: "open" | "all" }) {
  return view === "open" ? (
    <EmptyState icon={<IconCircleCheck size={26} />} title="All is well">
      No alarm is open. One that is raised shows here, in the navigation and in the log, and calls the webhook
      when one is set.
    </EmptyState>
  ) : (
    <EmptyState icon={<IconBellOff size={26} />} title="No alarm within the last 30 days" />
  );
}
