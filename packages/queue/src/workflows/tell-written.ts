import type { EndingParts } from "../jobs/write-end.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { WriteScope } from "../write-scope.ts";
import type { MemberJob } from "./write-members.ts";

/** Says after the commit that jobs were written, and wakes workers for those that may start. */
export function tellWritten(
  scope: WriteScope,
  { bus, broker }: Pick<EndingParts, "bus" | "broker">,
  jobs: readonly MemberJob[],
  { owner, traceParent }: { readonly owner: string | null; readonly traceParent: string | null },
): void {
  scope.afterCommit(() => {
    const ready = new Set<string>();
    for (const { id, task, queue, isReady, delayMs } of jobs) {
      const state = !isReady ? "blocked" : delayMs > 0 ? "scheduled" : "queued";
      if (state === "queued") ready.add(queue);
      const job = { id, task, queue, owner, attempt: 0 };
      bus.publishTransition(transitionOf("enqueued", job, state, { traceParent }));
    }
    for (const queue of ready) broker.announce(queue);
  });
}
