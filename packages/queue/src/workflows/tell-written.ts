import { hintsOf } from "../brokers/hint.ts";
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
    const ready: MemberJob[] = [];
    for (const member of jobs) {
      const { id, task, queue, isReady, delayMs } = member;
      const state = !isReady ? "blocked" : delayMs > 0 ? "scheduled" : "queued";
      if (state === "queued") ready.push(member);
      const job = { id, task, queue, owner, attempt: 0 };
      bus.publishTransition(transitionOf("enqueued", job, state, { traceParent }));
    }
    for (const hint of hintsOf(ready)) broker.announce(hint);
  });
}
