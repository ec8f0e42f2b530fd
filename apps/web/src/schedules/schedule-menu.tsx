import type { Schedule } from "@millrace/contracts";
import { ActionIcon, Menu } from "@mantine/core";
import IconDots from "@tabler/icons-react/dist/esm/icons/IconDots.mjs";
import IconPencil from "@tabler/icons-react/dist/esm/icons/IconPencil.mjs";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import IconPlayerTrackNext from "@tabler/icons-react/dist/esm/icons/IconPlayerTrackNext.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import { useScheduleAction } from "./use-schedule-actions.ts";

/** What an operator is about to do with a schedule; without one, to make a new one. */
export type ScheduleDialogWish =
  | { readonly kind: "create" }
  | { readonly kind: "edit" | "delete"; readonly schedule: Schedule };

export function ScheduleMenu({
  schedule,
  onWish,
}: {
  schedule: Schedule;
  onWish: (wish: ScheduleDialogWish) => void;
}) {
  const action = useScheduleAction(schedule);
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          loading={action.isPending}
          aria-label={`Actions for ${schedule.name}`}
        >
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPlayerTrackNext size={16} />} onClick={() => action.mutate("run")}>
          Run now
        </Menu.Item>
        {schedule.state === "paused" ? (
          <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => action.mutate("resume")}>
            Resume
          </Menu.Item>
        ) : (
          <Menu.Item leftSection={<IconPlayerPause size={16} />} onClick={() => action.mutate("pause")}>
            Pause
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => onWish({ kind: "edit", schedule })}>
          Edit…
        </Menu.Item>
        {schedule.source === "product" ? null : (
          <>
            <Menu.Divider />
            <Menu.Item
              color="var(--bad)"
              leftSection={<IconTrash size={16} />}
              onClick={() => onWish({ kind: "delete", schedule })}
            >
              Delete…
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
