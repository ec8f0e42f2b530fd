import type { CrewRunDetail, CrewRunTask } from "@millrace/contracts";
import { Button } from "@mantine/core";
import IconRepeat from "@tabler/icons-react/dist/esm/icons/IconRepeat.mjs";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useSendOnce } from "../api/send-once.ts";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { useMonitorAction } from "../monitor/parts/use-monitor-action.ts";
import { replayCrewRun } from "./crew-requests.ts";

/** Begins a new run at this task and goes to it. */
export function ReplayButton({ run, task }: { run: CrewRunDetail; task: CrewRunTask }) {
  const [isAsking, setIsAsking] = useState(false);
  const navigate = useNavigate();
  const replayOnce = useSendOnce(replayCrewRun);
  const replay = useMonitorAction({
    run: (from: string) => replayOnce({ crew: run.crew, id: run.id }, from),
    done: ({ id }) => {
      setIsAsking(false);
      void navigate({ to: "/crews/runs/$id", params: { id } });
      return "A new run has begun";
    },
    refused: "Not replayed",
  });
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconRepeat size={15} />}
        aria-label={`Replay from here: ${task.title}`}
        onClick={() => setIsAsking(true)}
      >
        Replay from here
      </Button>
      <ConfirmDialog
        title={`Replay from “${task.title}”?`}
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        onConfirm={() => replay.mutate(task.task)}
        isPending={replay.isPending}
        isDangerous={false}
        confirmLabel="Replay"
      >
        <p>
          A new run takes over what the tasks before this one gave, and works on this one and those after it
          anew: with calls of models that cost what they cost. This run stays as it is.
        </p>
      </ConfirmDialog>
    </>
  );
}
