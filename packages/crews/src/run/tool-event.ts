import type { ToolCall } from "@millrace/models";
import type { Assignment } from "./assignment.ts";
import type { ModelUse } from "../tools/tool.ts";
import { excerpt } from "./run-state.ts";
import { sumKnown } from "./usage.ts";

/** `refused`: the model's mistake, which is its to mend, whatever the policy for failures. */
export type ToolRecord = {
  readonly outcome: "done" | "refused" | "failed";
  readonly output: string;
  readonly ms: number;
  /** Calls of models that the tool made. Missing where it made none, and in records of before they were kept. */
  readonly uses?: readonly ModelUse[];
};

/** What people are told of a call, with its record. */
export function toolEvent(assignment: Assignment, call: ToolCall, record: ToolRecord, step: string) {
  const tool = assignment.tools.find((one) => one.name === call.name);
  const { uses = [] } = record;
  const own = record.outcome === "refused" ? 0 : (tool?.cost ?? 0);
  return {
    type: "crew.tool_called" as const,
    data: {
      task: assignment.task,
      agent: assignment.agent.role,
      tool: call.name,
      input: excerpt(JSON.stringify(call.input ?? null)),
      outcome: record.outcome,
      output: excerpt(record.output),
      // Whether people are to be told of it: `ignore` is for tools that often have nothing to give.
      warns: record.outcome === "failed" && assignment.toolFailurePolicy !== "ignore",
      // With that of the models.
      cost: sumKnown([own, ...uses.map((use) => use.cost)]),
      model_uses: uses.map((use) => ({
        model: use.model,
        input_tokens: use.inputTokens,
        output_tokens: use.outputTokens,
        cost: use.cost,
      })),
      latency_ms: record.ms,
      step,
    },
  };
}
