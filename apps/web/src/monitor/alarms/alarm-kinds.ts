import type { Alarm, AlarmKind } from "@millrace/contracts";
import { linkOptions } from "@tanstack/react-router";

export const alarmLabels: Record<AlarmKind, string> = {
  queue_without_worker: "Jobs but no worker",
  worker_idle: "Worker idle beside waiting jobs",
  queue_depth: "Queue too long",
  oldest_wait: "Jobs wait too long",
  queue_paused: "Queue paused for long",
  failure_rate: "Too many failures",
  task_failure_rate: "A task fails too often",
  failed_jobs: "Failed jobs pile up",
  job_crashed_worker: "A job crashed its worker",
  unknown_task: "No worker knows a task",
  worker_memory: "Worker takes much memory",
  database_slow: "Database is slow",
  old_snapshot: "An old snapshot holds the database back",
  clock_jump: "A clock jumped",
  budget_near: "A budget is nearly used up",
  budget_exceeded: "A budget is used up",
  webhook_gone: "The webhook is gone",
};

/** The page where one looks first; undefined for what no page of ours can change. */
export function placeOf({ kind }: Pick<Alarm, "kind">) {
  switch (kind) {
    case "queue_without_worker":
    case "worker_idle":
    case "worker_memory":
      return linkOptions({ to: "/monitor/workers" });
    case "unknown_task":
    case "queue_depth":
    case "oldest_wait":
    case "queue_paused":
      return linkOptions({ to: "/monitor/queues" });
    case "failure_rate":
    case "task_failure_rate":
    case "failed_jobs":
    case "job_crashed_worker":
      return linkOptions({ to: "/monitor/failures" });
    case "database_slow":
    case "old_snapshot":
    case "clock_jump":
    case "budget_near":
    case "budget_exceeded":
    case "webhook_gone":
      return undefined;
  }
}
