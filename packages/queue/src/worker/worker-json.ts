import type { Worker } from "@millrace/contracts";
import { toBrokerState } from "../brokers/broker-state.ts";
import type { WorkerRecord } from "./worker-row.ts";

/** A worker as the API shows it. */
export function toWorker(record: WorkerRecord): Worker {
  const self = `/api/workers/${record.id}`;
  return {
    ...record,
    queues: [...record.queues],
    tasks: [...record.tasks],
    display_state: displayState(record),
    broker: record.broker && toBrokerState(record.broker),
    loop_delay_ms: Math.round(record.loop_delay_ms),
    started_at: record.started_at.toISOString(),
    beat_at: record.beat_at.toISOString(),
    stopped_at: record.stopped_at?.toISOString() ?? null,
    links: { self, drain: `${self}/drain`, stop: `${self}/stop`, run: `${self}/run` },
  };
}

function displayState({ state, is_live, stopped_at, wanted_state }: WorkerRecord): Worker["display_state"] {
  if (stopped_at !== null || state === "stopped") return "stopped";
  if (!is_live) return "silent";
  return wanted_state === "stopped" ? "stopping" : state;
}
