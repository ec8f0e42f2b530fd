import type {
  CreateSchedule,
  Page,
  Schedule,
  ScheduleDetail,
  SchedulePreview,
  UpdateSchedule,
} from "@millrace/contracts";
import { callApi } from "../api/client.ts";

const schedulePath = (id: string) => `/schedules/${encodeURIComponent(id)}`;

export type Timing = Partial<
  Pick<Schedule, "cron" | "timezone" | "every_seconds" | "at" | "start_at" | "end_at">
>;

export function listSchedules(
  options: { readonly limit: number; readonly cursor?: string | undefined },
  signal?: AbortSignal,
): Promise<Page<Schedule>> {
  return callApi("/schedules", { query: options, signal });
}

export function fetchSchedule(id: string, signal?: AbortSignal): Promise<ScheduleDetail> {
  return callApi(schedulePath(id), { signal });
}

export function createSchedule(json: CreateSchedule): Promise<Schedule> {
  return callApi("/schedules", { method: "POST", json });
}

export function updateSchedule(id: string, json: UpdateSchedule): Promise<Schedule> {
  return callApi(schedulePath(id), { method: "PATCH", json });
}

export function deleteSchedule(id: string): Promise<void> {
  return callApi(schedulePath(id), { method: "DELETE" });
}

export function pauseSchedule(id: string): Promise<unknown> {
  return callApi(`${schedulePath(id)}/pause`, { method: "POST", json: {} });
}

export function resumeSchedule(id: string): Promise<unknown> {
  return callApi(`${schedulePath(id)}/resume`, { method: "POST" });
}

export function runSchedule(id: string): Promise<unknown> {
  return callApi(`${schedulePath(id)}/run`, { method: "POST" });
}

/** When a schedule with this timing would run next. */
export function previewSchedule(timing: Timing, signal?: AbortSignal): Promise<SchedulePreview> {
  return callApi("/schedules/preview", { method: "POST", json: timing, signal });
}
