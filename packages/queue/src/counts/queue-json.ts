import { jobStates } from "@millrace/contracts";
import type { Queue, QueuePause } from "@millrace/contracts";
import type { QueueSettings } from "../control/queue-settings.ts";
import type { QueueOverview } from "./queue-overview.ts";

/** A queue as the API shows it. */
export function toQueue(overview: QueueOverview): Queue {
  const { name, counts, settings } = overview;
  const self = `/api/queues/${encodeURIComponent(name)}`;
  return {
    name,
    counts: Object.fromEntries(jobStates.map((state) => [state, counts[state] ?? 0])) as Queue["counts"],
    oldest_wait_seconds: rounded(overview.oldestWaitSeconds, 3),
    running: counts.running ?? 0,
    paused: settings === undefined ? null : toPause(settings),
    max_running: settings?.max_running ?? null,
    workers: overview.workers,
    arrived_per_minute: rounded(overview.arrivedPerMinute, 1),
    finished_per_minute: rounded(overview.finishedPerMinute, 1),
    links: {
      self,
      pause: `${self}/pause`,
      resume: `${self}/resume`,
      purge: `${self}/purge`,
      jobs: name === "*" ? "/api/jobs" : `/api/jobs?queue=${name}`,
    },
  };
}

function toPause(settings: QueueSettings): QueuePause | null {
  const { is_paused, paused_at, paused_by, pause_reason, resume_at } = settings;
  if (!is_paused || paused_at === null) return null;
  return {
    at: paused_at.toISOString(),
    by: paused_by,
    reason: pause_reason,
    until: resume_at?.toISOString() ?? null,
  };
}

function rounded<Value extends number | null>(value: Value, digits: number): Value {
  return (value === null ? null : Number(value.toFixed(digits))) as Value;
}
