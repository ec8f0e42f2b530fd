import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import IconCalendarTime from "@tabler/icons-react/dist/esm/icons/IconCalendarTime.mjs";
import IconPlus from "@tabler/icons-react/dist/esm/icons/IconPlus.mjs";
import { useState } from "react";
import { EmptyState } from "../feedback/empty-state.tsx";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { PageHead } from "../parts/page-head.tsx";
import { PagedRows } from "../parts/paged-rows.tsx";
import { ScheduleDialog } from "./schedule-dialog.tsx";
import { ScheduleDrawer } from "./schedule-drawer.tsx";
import type { ScheduleDialogWish } from "./schedule-menu.tsx";
import { listSchedules } from "./schedule-requests.ts";
import { SchedulesTable } from "./schedules-table.tsx";
import { useDeleteSchedule } from "./use-schedule-actions.ts";

const route = getRouteApi("/monitor/schedules");

/** What runs by itself and when: to look at, to change, to stop and to run now. */
export function SchedulesPage() {
  const { schedule: openedId } = route.useSearch();
  const navigate = route.useNavigate();
  const [wish, setWish] = useState<ScheduleDialogWish | undefined>();
  const closeDrawer = () => void navigate({ search: (before) => ({ ...before, schedule: undefined }) });
  return (
    <>
      <PageHead
        title="Schedules"
        actions={
          <Button leftSection={<IconPlus size={17} />} onClick={() => setWish({ kind: "create" })}>
            New schedule
          </Button>
        }
      />
      <ScheduleList onWish={setWish} />
      {openedId === undefined ? null : (
        <ScheduleDrawer key={openedId} id={openedId} onClose={closeDrawer} onWish={setWish} />
      )}
      {wish === undefined ? null : wish.kind === "delete" ? (
        <DeleteDialog
          wish={wish}
          onClose={() => setWish(undefined)}
          onDeleted={() => {
            setWish(undefined);
            if (openedId === wish.schedule.id) closeDrawer();
          }}
        />
      ) : (
        <ScheduleDialog
          schedule={wish.kind === "edit" ? wish.schedule : undefined}
          onClose={() => setWish(undefined)}
        />
      )}
    </>
  );
}

function ScheduleList({ onWish }: { onWish: (wish: ScheduleDialogWish) => void }) {
  const { cursor } = route.useSearch();
  const list = useInfiniteQuery({
    queryKey: monitorKey("schedules", cursor ?? null),
    queryFn: ({ pageParam, signal }) => listSchedules({ cursor: pageParam, limit: 50 }, signal),
    initialPageParam: cursor,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: useMonitorInterval(),
  });
  return (
    <PagedRows what="The schedules" list={list} none={<NoSchedules onWish={onWish} />}>
      {(schedules) => <SchedulesTable schedules={schedules} onWish={onWish} />}
    </PagedRows>
  );
}

function NoSchedules({ onWish }: { onWish: (wish: ScheduleDialogWish) => void }) {
  return (
    <EmptyState
      icon={<IconCalendarTime size={26} />}
      title="Nothing is scheduled"
      action={<Button onClick={() => onWish({ kind: "create" })}>New schedule</Button>}
    >
      A schedule runs a task by the clock, every so often, or once. It can be changed and paused at any time.
    </EmptyState>
  );
}

function DeleteDialog({
  wish: { schedule },
  onClose,
  onDeleted,
}: {
  wish: Extract<ScheduleDialogWish, { schedule: unknown }>;
  onClose: () => void;
  onDeleted: () => void;
}) {
  const deletion = useDeleteSchedule(onDeleted);
  return (
    <ConfirmDialog
      title="Delete this schedule?"
      isOpen
      onClose={onClose}
      onConfirm={() => deletion.mutate(schedule)}
      isPending={deletion.isPending}
      confirmLabel="Delete"
      cancelLabel="Keep it"
    >
      <p>
        <strong>{schedule.name}</strong> and the record of its runs will be gone. The jobs that it made stay.
      </p>
      {schedule.source === "program" ? (
        <p>It is declared in the configuration: take it out there too, or it may come back.</p>
      ) : null}
      <p>To stop it for a while, pause it.</p>
    </ConfirmDialog>
  );
}
