import type { Schedule } from "@millrace/contracts";
import { useMonitorAction } from "../monitor/parts/use-monitor-action.ts";
import { deleteSchedule, pauseSchedule, resumeSchedule, runSchedule } from "./schedule-requests.ts";

export type ScheduleAction = "run" | "pause" | "resume";

const requests: Record<ScheduleAction, (id: string) => Promise<unknown>> = {
  run: runSchedule,
  pause: pauseSchedule,
  resume: resumeSchedule,
};

const done: Record<ScheduleAction, string> = {
  run: "is in line to run now",
  pause: "is paused",
  resume: "goes on",
};

/** Runs, pauses or resumes one schedule; the outcome is said in a toast. */
export function useScheduleAction(schedule: Schedule) {
  return useMonitorAction<ScheduleAction, unknown>({
    run: (action) => requests[action](schedule.id),
    done: (_answer, action) => `“${schedule.name}” ${done[action]}`,
    refused: "Not done",
  });
}

export function useDeleteSchedule(onDone: () => void) {
  return useMonitorAction<Schedule, void>({
    run: (schedule) => deleteSchedule(schedule.id),
    done: (_answer, schedule) => `Deleted “${schedule.name}”`,
    refused: "Not deleted",
    onDone,
  });
}
