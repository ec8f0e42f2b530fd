/** What settings need of the queue, by itself: who only reads settings must not load the queue. */
export type { AlarmThresholds } from "./alarms/alarm-thresholds.ts";
export { parseQueueThresholds } from "./alarms/queue-thresholds.ts";
export { taskOverrides } from "./tasks/override-tasks.ts";
export type { TaskOverrides } from "./tasks/override-tasks.ts";
