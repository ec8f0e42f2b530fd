import type { Queue } from "@millrace/contracts";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { countOf } from "../../formatting/numbers.ts";
import { updateQueue } from "../monitor-requests.ts";
import { FormDialog } from "../../parts/form-dialog.tsx";
import { useMonitorAction } from "../parts/use-monitor-action.ts";
import { namedQueue } from "./queue-name.ts";

/** How many jobs of a queue run at once, over all workers. */
export function LimitDialog({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const [text, setText] = useState(queue.max_running === null ? "" : String(queue.max_running));
  const limit = useMonitorAction({
    run: (max_running: number | null) => updateQueue(queue.name, { max_running }),
    done: (_answer, wanted) =>
      wanted === null
        ? `No limit for ${namedQueue(queue.name)} any more`
        : `At most ${countOf(wanted, "job")} at once for ${namedQueue(queue.name)}`,
    refused: "Limit not set",
    onDone: onClose,
  });
  return (
    <FormDialog
      title={`Limit of ${namedQueue(queue.name)}`}
      submitLabel="Set limit"
      isPending={limit.isPending}
      onSubmit={() => limit.mutate(text === "" ? null : Number(text))}
      onClose={onClose}
    >
      <TextInput
        type="number"
        min={0}
        max={2_147_483_647}
        step={1}
        inputMode="numeric"
        label="Jobs at once, over all workers"
        description="Empty: no limit. 0 lets nothing start. What runs already goes on."
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}
