import type { EventBus } from "../events/event-bus.ts";
import type { ChangeNotice, JobTransition } from "../events/event.ts";
import type { FromJobChild } from "./messages.ts";

/** Sends what is published in a child to its worker, whose watchers are to hear of it, once. */
export function forwardBus(bus: EventBus, send: (message: FromJobChild) => void): void {
  let told: JobTransition | undefined;
  bus.onEvents((events) => send({ kind: "events", events }));
  bus.onTransition((transition) => {
    told = transition;
    send({ kind: "transition", transition });
  });
  bus.onNotice((notice) => {
    // The worker's bus makes its own notice of the transition.
    const isRepeat = told !== undefined && isNoticeOf(told, notice);
    told = undefined;
    if (!isRepeat) send({ kind: "notice", notice });
  });
}

function isNoticeOf({ job }: JobTransition, notice: ChangeNotice): boolean {
  return notice.type === "job.changed" && notice.data.job_id === job.id && notice.data.state === job.state;
}
