import type { LogLine } from "@millrace/contracts";
import type { TopicEvent } from "../live/watched-topic.ts";

/** The log line that an event tells of, whatever the stream; undefined when it tells of none. */
export function readLogLine(event: TopicEvent): LogLine | undefined {
  if (!event.type.endsWith(".logged")) return undefined;
  const { level, message, step, created_at: createdAt } = event.data;
  if (typeof message !== "string") return undefined;
  return {
    id: `event-${String(event.seq ?? 0).padStart(12, "0")}`,
    job_id: "",
    level: level === "debug" || level === "warning" || level === "error" ? level : "info",
    step: typeof step === "string" ? step : null,
    message,
    created_at: typeof createdAt === "string" ? createdAt : event.at,
  };
}
