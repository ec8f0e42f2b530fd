import { ActionIcon, Menu } from "@mantine/core";
import IconAdjustments from "@tabler/icons-react/dist/esm/icons/IconAdjustments.mjs";
import IconDots from "@tabler/icons-react/dist/esm/icons/IconDots.mjs";
import IconDroplet from "@tabler/icons-react/dist/esm/icons/IconDroplet.mjs";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import { askWorker } from "../monitor-requests.ts";
import { useMonitorAction } from "../parts/use-monitor-action.ts";
import type { WorkerDialog } from "./worker-dialogs.tsx";
import type { WatchedWorker } from "./worker-silence.ts";

/** What can be asked of a worker; it obeys with its next beat, within ten seconds. */
export function WorkerMenu({
  worker,
  onOpen,
}: {
  worker: WatchedWorker;
  onOpen: (dialog: WorkerDialog) => void;
}) {
  const drain = useMonitorAction({
    run: (id: string) => askWorker(id, "drain"),
    done: () => `Asked ${worker.name} to claim nothing more`,
    refused: "Not drained",
  });
  const runAgain = useMonitorAction({
    run: (id: string) => askWorker(id, "run"),
    done: () => `Asked ${worker.name} to claim again`,
    refused: "Not asked to run again",
  });
  // The server speaks only to workers that it hears of.
  if (!worker.is_live) return null;
  const isDraining = (worker.wanted_state ?? worker.state) === "draining";
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Actions for worker ${worker.name}`}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {isDraining ? (
          <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => runAgain.mutate(worker.id)}>
            Run again
          </Menu.Item>
        ) : (
          <Menu.Item leftSection={<IconDroplet size={16} />} onClick={() => drain.mutate(worker.id)}>
            Drain
          </Menu.Item>
        )}
        <Menu.Item
          leftSection={<IconAdjustments size={16} />}
          onClick={() => onOpen({ kind: "concurrency", worker })}
        >
          Set concurrency…
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color="var(--bad)"
          leftSection={<IconPlayerStop size={16} />}
          onClick={() => onOpen({ kind: "stop", worker })}
        >
          Stop…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
