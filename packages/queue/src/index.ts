export type { AlarmCondition } from "./alarms/alarm-condition.ts";
export { recordNotTold, recordTold, takeAlarmToTell } from "./alarms/alarm-outbox.ts";
export type { AlarmToTell } from "./alarms/alarm-outbox.ts";
export {
  acknowledgeAlarm,
  getAlarm,
  listAlarms,
  summarizeAlarms,
  toAlarm,
} from "./alarms/alarm-row.ts";
export type { AlarmRecord } from "./alarms/alarm-row.ts";
export type { AlarmThresholds } from "./alarms/alarm-thresholds.ts";
export { lookForAlarms } from "./alarms/look-for-alarms.ts";
export { parseQueueThresholds } from "./alarms/queue-thresholds.ts";
export { recordLook } from "./alarms/record-look.ts";
export type { LookResult, LookRules } from "./alarms/record-look.ts";
export type { Broker } from "./brokers/broker.ts";
export { createPostgresBroker } from "./brokers/postgres-broker.ts";
export type { BrokerTimes, PostgresBroker } from "./brokers/postgres-broker.ts";
export { parseStream } from "./events/append-events.ts";
export type { NewEvent } from "./events/append-events.ts";
export { appendEvents, forgetStream } from "./events/append-events.ts";
export { EventBus } from "./events/event-bus.ts";
export type { ChangeNotice, EventFeed, StoredEvent, StreamPage } from "./events/event.ts";
export type { EnqueueOptions } from "./jobs/enqueue.ts";
export { findJobs, listLog, readJobDetail } from "./jobs/find-jobs.ts";
export { groupFailures } from "./jobs/group-failures.ts";
export { listJobs, listRunning } from "./jobs/list-jobs.ts";
export type { JobFilter, Owners } from "./jobs/list-jobs.ts";
export type { ChangedMany, JobSelection } from "./jobs/change-many.ts";
export { jobNotFound } from "./errors.ts";
export { toFailureGroup, toJob, toJobDetail, toJobResult, toLogLine } from "./jobs/job-json.ts";
export type { JobDetailRecord, JobRecord, LogRecord } from "./jobs/find-jobs.ts";
export { toQueue } from "./counts/queue-json.ts";
export { toWorker } from "./worker/worker-json.ts";
export { QueueControl } from "./control/queue-control.ts";
export { countJobs } from "./counts/count-jobs.ts";
export { queueDepths } from "./counts/queue-depths.ts";
export type { HookEvents, HookListener, HookName } from "./observe/hooks.ts";
export { createMonitorWatch } from "./observe/monitor-watch.ts";
export type { QueueSignal } from "./observe/queue-signal.ts";
export { checkSchedule } from "./schedules/check-schedule.ts";
export { completeSchedule, kindOf, schedule } from "./schedules/schedule.ts";
export { scheduleNotFound } from "./schedules/schedule-errors.ts";
export type { NewSchedule, ScheduleChanges, ScheduleDefinition } from "./schedules/schedule.ts";
export { parseDuration } from "./schedules/duration.ts";
export { toSchedule, toScheduleRun } from "./schedules/schedule-json.ts";
export type { ScheduleRecord, TickRecord } from "./schedules/schedule-row.ts";
export { Schedules } from "./schedules/schedules.ts";
export { serveJobs } from "./isolation/serve-jobs.ts";
export { Queue } from "./queue.ts";
export type { JobRequest, QueueWorker, QueueWorkerOptions } from "./queue.ts";
export { handleBatchTask, settled } from "./tasks/batch-task.ts";
export type { BatchOutcome } from "./tasks/batch-task.ts";
export { taskOverrides } from "./tasks/override-tasks.ts";
export type { TaskOverrides } from "./tasks/override-tasks.ts";
export { parseRateLimit } from "./tasks/rate-limit.ts";
export type { RateLimit } from "./tasks/rate-limit.ts";
export { runInline } from "./tasks/run-inline.ts";
export type { InlineRun } from "./tasks/run-inline.ts";
export { defineTask, handleTask } from "./tasks/task.ts";
export type { AnyTaskHandler, Backoff, JobEnd, RetryRule, Task, TaskHandler } from "./tasks/task.ts";
export type { FencedScope, JobContext, ProgressReport } from "./worker/job-context.ts";
export { cancelThisJob, retryAfter, snooze } from "./worker/job-ending.ts";
export { queuesWithoutWorker, unservedTasks } from "./worker/worker-row.ts";
export type { WriteScope } from "./write-scope.ts";
export { ClockWatch, readDatabaseMs } from "./worker/clock-guard.ts";
