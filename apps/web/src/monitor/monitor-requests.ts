import type {
  Alarm,
  AlarmSummary,
  FailureList,
  Page,
  PauseQueue,
  PurgeQueue,
  QueueList,
  QueuePurged,
  Task,
  UpdateQueue,
  UpdateTaskLimits,
  UpdateWorker,
  Worker,
  WorkerDetail,
} from "@millrace/contracts";
import { callApi } from "../api/client.ts";

const queuePath = (name: string) => `/queues/${encodeURIComponent(name)}`;
const workerPath = (worker: string) => `/workers/${encodeURIComponent(worker)}`;

export function fetchQueues(signal?: AbortSignal): Promise<QueueList> {
  return callApi("/queues", { query: { limit: 100 }, signal });
}

export function pauseQueue(name: string, json: PauseQueue): Promise<unknown> {
  return callApi(`${queuePath(name)}/pause`, { method: "POST", json });
}

export function resumeQueue(name: string): Promise<unknown> {
  return callApi(`${queuePath(name)}/resume`, { method: "POST" });
}

export function updateQueue(name: string, json: UpdateQueue): Promise<unknown> {
  return callApi(queuePath(name), { method: "PATCH", json });
}

export function purgeQueue(name: string, json: PurgeQueue): Promise<QueuePurged> {
  return callApi(`${queuePath(name)}/purge`, { method: "POST", json });
}

export function fetchTasks(signal?: AbortSignal): Promise<{ readonly data: readonly Task[] }> {
  return callApi("/tasks", { signal });
}

export function updateTaskLimits(task: string, json: UpdateTaskLimits): Promise<unknown> {
  return callApi(`/tasks/${encodeURIComponent(task)}/limits`, { method: "PATCH", json });
}

export function fetchWorkers(signal?: AbortSignal): Promise<Page<Worker>> {
  return callApi("/workers", { signal });
}

/** By id or by name. */
export function fetchWorker(worker: string, signal?: AbortSignal): Promise<WorkerDetail> {
  return callApi(workerPath(worker), { signal });
}

/** `run` takes a drain back. */
export type WorkerWish = "drain" | "run" | "stop";

export function askWorker(id: string, wish: WorkerWish): Promise<unknown> {
  return callApi(`${workerPath(id)}/${wish}`, { method: "POST" });
}

export function updateWorker(id: string, json: UpdateWorker): Promise<unknown> {
  return callApi(workerPath(id), { method: "PATCH", json });
}

export function fetchFailures(
  filter: { readonly queue?: string | undefined; readonly task?: string | undefined; readonly limit: number },
  signal?: AbortSignal,
): Promise<FailureList> {
  return callApi("/jobs/failures", { query: filter, signal });
}

export function listAlarms(
  options: { readonly state: "open" | "all"; readonly limit: number; readonly cursor?: string | undefined },
  signal?: AbortSignal,
): Promise<Page<Alarm>> {
  return callApi("/alarms", { query: options, signal });
}

export function fetchAlarmSummary(signal?: AbortSignal): Promise<AlarmSummary> {
  return callApi("/alarms/summary", { signal });
}

export function acknowledgeAlarm(id: string): Promise<Alarm> {
  return callApi(`/alarms/${encodeURIComponent(id)}/acknowledge`, { method: "POST" });
}
