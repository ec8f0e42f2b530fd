import type { Queue } from "@millrace/contracts";
import { Button, Modal, TextInput } from "@mantine/core";
import { useState } from "react";
import { countOf } from "../../formatting/numbers.ts";
import { updateQueue } from "../monitor-requests.ts";
import classes from "../parts/confirm-dialog.module.css";
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
    <Modal
      opened
      onClose={onClose}
      title={`Limit of ${namedQueue(queue.name)}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          limit.mutate(text === "" ? null : Number(text));
        }}
      >
        <div className={classes.text}>
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
        </div>
        <div className={classes.actions}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={limit.isPending}>
            Set limit
          </Button>
        </div>
      </form>
    </Modal>
  );
}
