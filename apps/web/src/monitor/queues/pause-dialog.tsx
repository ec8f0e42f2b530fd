import { NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { pauseQueue } from "../monitor-requests.ts";
import { FormDialog } from "../../parts/form-dialog.tsx";
import { useMonitorAction } from "../parts/use-monitor-action.ts";
import { lengthChoices, untilMoment } from "./pause-lengths.ts";
import { namedQueue } from "./queue-name.ts";

/** Pauses a queue: why and until when, for those who find it paused. */
export function PauseDialog({ queue, onClose }: { queue: string; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const [length, setLength] = useState("");
  const [moment, setMoment] = useState("");
  const pause = useMonitorAction({
    run: () => {
      const until = untilMoment({ length, moment, nowMs: Date.now() });
      const text = reason.trim();
      return pauseQueue(queue, {
        ...(text === "" ? {} : { reason: text }),
        ...(until === undefined ? {} : { until }),
      });
    },
    done: () => `Paused ${namedQueue(queue)}`,
    refused: "Not paused",
    onDone: onClose,
  });
  return (
    <FormDialog
      title={`Pause ${namedQueue(queue)}?`}
      submitLabel="Pause"
      isPending={pause.isPending}
      onSubmit={() => pause.mutate(undefined)}
      onClose={onClose}
    >
      <p>What runs goes on to its end. Nothing new starts, in any process, until it is resumed.</p>
      <TextInput
        label="Reason"
        description="Shown to everybody who finds it paused"
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
      <NativeSelect
        label="Until"
        data={lengthChoices}
        value={length}
        onChange={(event) => setLength(event.currentTarget.value)}
      />
      {length === "moment" ? (
        <TextInput
          type="datetime-local"
          label="Date and time"
          required
          value={moment}
          onChange={(event) => setMoment(event.currentTarget.value)}
        />
      ) : null}
    </FormDialog>
  );
}
