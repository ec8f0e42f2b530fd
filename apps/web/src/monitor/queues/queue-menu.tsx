import type { Queue } from "@millrace/contracts";
import { ActionIcon, Menu } from "@mantine/core";
import IconDots from "@tabler/icons-react/dist/esm/icons/IconDots.mjs";
import IconGauge from "@tabler/icons-react/dist/esm/icons/IconGauge.mjs";
import IconPlayerPause from "@tabler/icons-react/dist/esm/icons/IconPlayerPause.mjs";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import type { QueueDialog } from "./queue-dialogs.tsx";
import { useResume } from "./use-resume.ts";

/** What can be done with a queue. */
export function QueueMenu({ queue, onOpen }: { queue: Queue; onOpen: (dialog: QueueDialog) => void }) {
  const resume = useResume();
  const { name } = queue;
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={`Actions for queue ${name}`}
          loading={resume.isPending}
        >
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {queue.paused === null ? (
          <Menu.Item
            leftSection={<IconPlayerPause size={16} />}
            onClick={() => onOpen({ kind: "pause", queue: name })}
          >
            Pause…
          </Menu.Item>
        ) : (
          <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => resume.mutate(name)}>
            Resume
          </Menu.Item>
        )}
        <Menu.Item
          leftSection={<IconGauge size={16} />}
          onClick={() => onOpen({ kind: "limit", queue: name })}
        >
          Set limit…
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color="var(--bad)"
          leftSection={<IconTrash size={16} />}
          onClick={() => onOpen({ kind: "purge", queue: name })}
        >
          Purge…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
