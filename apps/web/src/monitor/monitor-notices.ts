import type { QueryRenewals } from "../live/query-renewals.ts";
import type { LiveSocket } from "../live/socket.ts";
import { monitorRoot } from "./parts/monitor-keys.ts";

/** A busy queue sends a notice per job: the pages ask at most once in this time. */
const gatherMs = 1000;

/** `jobs` tells that jobs changed; `monitor` tells of queues, workers, alarms and schedules. */
const topics = ["monitor", "jobs"] as const;

/** Refetches what the monitor shows when something changed, until the returned function is called. */
export function followMonitor(renewals: QueryRenewals, socket: LiveSocket): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const refetchSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      renewals.renew({ queryKey: monitorRoot, predicate: ({ meta }) => meta?.isCostly !== true });
    }, gatherMs);
  };
  const releases = topics.map((topic) =>
    socket.subscribe(topic, { onSnapshot: () => undefined, onEvents: refetchSoon }),
  );
  const stopWatching = socket.onStateChange(() => {
    // What changed while the socket was away was not announced.
    if (socket.state === "live") refetchSoon();
  });
  return () => {
    clearTimeout(timer);
    stopWatching();
    for (const release of releases) release();
  };
}
