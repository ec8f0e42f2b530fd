import { z } from "zod";
import { printableLine } from "./terminal/printable.ts";

const text = z.string().default("");
const count = z.number().nullable().default(null);

/** What the lines say; whatever else an event has is for others. */
const told = z.object({
  task: text,
  agent: text,
  tool: text,
  outcome: text,
  model: text,
  error_code: text,
  message: text,
  question: text,
  job_id: text,
  key: text,
  guardrail: text,
  problem: z.string().nullish(),
  error: text,
  passed: z.boolean().default(true),
  input_tokens: count,
  output_tokens: count,
  retry_in_seconds: count,
});

/** One line for a person who watches a run; undefined for events that say nothing to them. */
export function crewEventLine(type: string, data: unknown): string | undefined {
  const read = told.safeParse(data);
  const line = read.success ? lineOf(type, read.data) : undefined;
  return line === undefined ? undefined : printableLine(line);
}

function lineOf(type: string, event: z.infer<typeof told>): string | undefined {
  const { task, agent, tool, outcome } = event;
  // What the planner of the crew does belongs to no task.
  const of = task === "" ? "" : `${task}: `;
  switch (type) {
    case "crew.plan_made":
      return "The tasks are planned";
    case "crew.task_started":
      return `${task}: begun by ${agent}`;
    case "crew.task_skipped":
      return `${task}: skipped`;
    case "crew.task_completed":
      return `${task}: done`;
    case "crew.task_failed":
      return `${task}: failed: ${event.message} (${event.error_code})`;
    case "crew.agent_turn":
      if (outcome === "failed") return `${of}${agent} gave no usable answer (${event.error_code})`;
      return `${of}${agent} answered, ${event.input_tokens ?? "?"} + ${event.output_tokens ?? "?"} tokens of ${event.model}`;
    case "crew.tool_called":
      return `${task}: ${agent} used ${tool}${outcome === "done" ? "" : `: ${outcome}`}`;
    case "crew.guardrail_checked":
      return event.passed ? undefined : `${task}: ${event.guardrail} did not pass: ${event.problem ?? ""}`;
    case "crew.work_delegated":
      return `${task}: ${agent} hands work on`;
    case "crew_run.waiting":
      return `${event.question} Answer it: millrace jobs answer ${event.job_id} ${event.key} ''`;
    case "crew_run.put_off":
      return `It waits, and goes on by itself in ${event.retry_in_seconds ?? "some"} s: ${event.error}`;
    case "crew_run.retry_scheduled":
      return `It failed and is tried again in ${event.retry_in_seconds ?? "a few"} s: ${event.error}`;
    default:
      return undefined;
  }
}
