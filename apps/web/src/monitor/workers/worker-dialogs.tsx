import { TextInput } from "@mantine/core";
import { useState } from "react";
import { countOf } from "../../formatting/numbers.ts";
import { askWorker, updateWorker } from "../monitor-requests.ts";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { FormDialog } from "../../parts/form-dialog.tsx";
import { useMonitorAction } from "../parts/use-monitor-action.ts";
import type { WatchedWorker } from "./worker-silence.ts";

/** What an operator is about to ask of which worker. */
export type WorkerDialog = { readonly kind: "stop" | "concurrency"; readonly worker: WatchedWorker };

/** The dialog that is open; it belongs to the page, because rows come and go. */
export function WorkerDialogs({
  dialog,
  onClose,
}: {
  dialog: WorkerDialog | undefined;
  onClose: () => void;
}) {
  if (dialog === undefined) return null;
  return dialog.kind === "stop" ? (
    <StopDialog worker={dialog.worker} onClose={onClose} />
  ) : (
    <ConcurrencyDialog worker={dialog.worker} onClose={onClose} />
  );
}

function StopDialog({ worker, onClose }: { worker: WatchedWorker; onClose: () => void }) {
  const stop = useMonitorAction({
    run: (id: string) => askWorker(id, "stop"),
    done: () => `Asked ${worker.name} to stop`,
    refused: "Not stopped",
    onDone: onClose,
  });
  return (
    <ConfirmDialog
      title={`Stop worker “${worker.name}”?`}
      isOpen
      onClose={onClose}
      cancelLabel="Let it run"
      confirmLabel="Stop it"
      isPending={stop.isPending}
      onConfirm={() => stop.mutate(worker.id)}
    >
      <p>
        It claims nothing more.{" "}
        {worker.running === 0
          ? ""
          : `${countOf(worker.running, "job")} that it runs may end within a few seconds, or ${worker.running === 1 ? "goes" : "go"} back to the queue. `}
        It can’t be started again from here: its process has to be started anew.
      </p>
    </ConfirmDialog>
  );
}

function ConcurrencyDialog({ worker, onClose }: { worker: WatchedWorker; onClose: () => void }) {
  const [text, setText] = useState(String(worker.wanted_concurrency ?? worker.concurrency));
  const change = useMonitorAction({
    run: (concurrency: number) => updateWorker(worker.id, { concurrency }),
    done: (_answer, concurrency) => `Asked ${worker.name} to run ${countOf(concurrency, "job")} at once`,
    refused: "Concurrency not set",
    onDone: onClose,
  });
  return (
    <FormDialog
      title={`Concurrency of “${worker.name}”`}
      submitLabel="Set concurrency"
      isPending={change.isPending}
      onSubmit={() => change.mutate(Number(text))}
      onClose={onClose}
    >
      <TextInput
        type="number"
        min={1}
        max={10_000}
        step={1}
        required
        inputMode="numeric"
        label="Jobs at once"
        description="It obeys within ten seconds, until it is started anew. To let it run none, drain it."
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}
