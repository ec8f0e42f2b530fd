import type { QueueList } from "@millrace/contracts";
import { LimitDialog } from "./limit-dialog.tsx";
import { PauseDialog } from "./pause-dialog.tsx";
import { PurgeDialog } from "./purge-dialog.tsx";

/** What an operator is about to do, and with which queue (`*`: all). */
export type QueueDialog = { readonly kind: "pause" | "limit" | "purge"; readonly queue: string };

/**
 * The dialog that is open. It belongs to the page, not to a row: rows come and go with what happens,
 * and a dialog must not go with them.
 */
export function QueueDialogs({
  dialog,
  queues,
  onClose,
}: {
  dialog: QueueDialog | undefined;
  queues: QueueList | undefined;
  onClose: () => void;
}) {
  if (dialog === undefined || queues === undefined) return null;
  const queue =
    dialog.queue === queues.all.name ? queues.all : queues.data.find(({ name }) => name === dialog.queue);
  if (queue === undefined) return null;
  if (dialog.kind === "pause") return <PauseDialog queue={queue.name} onClose={onClose} />;
  if (dialog.kind === "limit") return <LimitDialog queue={queue} onClose={onClose} />;
  return <PurgeDialog queue={queue} onClose={onClose} />;
}
