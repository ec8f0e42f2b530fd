import type { Queue, QueuePurged } from "@millrace/contracts";
import { useState } from "react";
import { isApiProblem } from "../../api/problem.ts";
import { countOf, formatCount } from "../../formatting/numbers.ts";
import { purgeQueue } from "../monitor-requests.ts";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { useMonitorAction } from "../parts/use-monitor-action.ts";
import { namedQueue } from "./queue-name.ts";

/**
 * Cancels what waits in a queue. The number one agreed to is sent along: when it is another by then,
 * nothing is done, and the dialog shows the new one.
 */
export function PurgeDialog({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const [left, setLeft] = useState<number>();
  const count = (queue.counts.queued ?? 0) + (queue.counts.scheduled ?? 0);
  const purge = useMonitorAction({
    run: (expected: number) => purgeAll(queue.name, expected, setLeft),
    done: ({ cancelled, left: still }) =>
      `Cancelled ${countOf(cancelled, "job")} of ${namedQueue(queue.name)}${still === 0 ? "" : `, ${formatCount(still)} left`}`,
    refused: "Not purged",
    onDone: onClose,
  });
  return (
    <ConfirmDialog
      title={`Purge ${namedQueue(queue.name)}?`}
      isOpen
      onClose={onClose}
      cancelLabel="Keep them"
      confirmLabel={`Cancel ${countOf(count, "job")}`}
      isPending={purge.isPending}
      isConfirmable={count > 0}
      onConfirm={() => purge.mutate(count)}
    >
      {count === 0 ? (
        <p>Nothing is queued or scheduled there.</p>
      ) : (
        <p>
          <strong>{countOf(count, "job")}</strong> that {count === 1 ? "is" : "are"} queued or scheduled will
          be cancelled. What runs goes on. Each can be retried from its own page until it is removed.
        </p>
      )}
      {purge.isPending && left !== undefined ? <p role="status">{countOf(left, "job")} left…</p> : null}
    </ConfirmDialog>
  );
}

/**
 * A large queue takes several requests. Ends when one of them could do nothing, or is refused because
 * other jobs came meanwhile: nobody agreed to lose those.
 */
async function purgeAll(
  queue: string,
  expected: number,
  onLeft: (left: number) => void,
): Promise<QueuePurged> {
  const first = await purgeQueue(queue, { expected_count: expected });
  let { cancelled, left } = first;
  for (let last = first; left > 0 && last.cancelled > 0;) {
    onLeft(left);
    try {
      last = await purgeQueue(queue, { expected_count: left });
    } catch (error) {
      if (isApiProblem(error) && error.status === 409) break;
      throw error;
    }
    cancelled += last.cancelled;
    left = last.left;
  }
  return { cancelled, left };
}
