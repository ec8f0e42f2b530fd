import type { CrewRunDetail } from "@millrace/contracts";
import { Button } from "@mantine/core";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import { useState } from "react";
import { actOnJob } from "../jobs/job-requests.ts";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { useMonitorAction } from "../monitor/parts/use-monitor-action.ts";
import { cancelCrewRun } from "./crew-requests.ts";
import { isOver } from "./run-words.ts";

/** What can be done with a run as a whole. Replays begin at a task. */
export function RunActions({ run }: { run: CrewRunDetail }) {
  if (!isOver(run)) return run.display_state === "cancelling" ? null : <Cancel run={run} />;
  return run.state === "succeeded" ? null : <Retry run={run} />;
}

/** Goes on with the same run: what is recorded is neither done nor paid again. */
function Retry({ run }: { run: CrewRunDetail }) {
  const retry = useMonitorAction<void, unknown>({
    run: () => actOnJob(run.job_id, "retry"),
    // The page shows the new state by itself.
    done: () => undefined,
    refused: "Not retried",
  });
  return (
    <Button leftSection={<IconRefresh size={17} />} loading={retry.isPending} onClick={() => retry.mutate()}>
      Go on where it ended
    </Button>
  );
}

function Cancel({ run }: { run: CrewRunDetail }) {
  const [isAsking, setIsAsking] = useState(false);
  const cancel = useMonitorAction<void, unknown>({
    run: () => cancelCrewRun(run),
    // The page shows the new state by itself.
    done: () => undefined,
    refused: "Not cancelled",
    onDone: () => setIsAsking(false),
  });
  return (
    <>
      <Button variant="default" leftSection={<IconPlayerStop size={17} />} onClick={() => setIsAsking(true)}>
        Cancel
      </Button>
      <ConfirmDialog
        title="Cancel this run?"
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        onConfirm={() => cancel.mutate()}
        isPending={cancel.isPending}
        confirmLabel="Cancel the run"
        cancelLabel="Let it go on"
      >
        <p>
          No further call of a model or tool is made. What tasks have given stays: a new run can begin at the
          first that is not done.
        </p>
      </ConfirmDialog>
    </>
  );
}
