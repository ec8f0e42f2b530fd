import { raceAgainst, toError } from "@millrace/kernel";
import type { ToolCall, ToolResult } from "@millrace/models";
import { crewErrors } from "../errors.ts";
import { isDelegation } from "../tools/delegation-names.ts";
import type { ModelUse, Tool } from "../tools/tool.ts";
import type { Assignment, DoWork } from "./assignment.ts";
import { handOver } from "./delegation.ts";
import { contextOf, markedAsData, stepKey } from "./run-state.ts";
import type { Run } from "./run-state.ts";
import { underWatches } from "./stopwatch.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { toolEvent } from "./tool-event.ts";
import type { ToolRecord } from "./tool-event.ts";

/** More calls in one turn than any sensible plan has; the rest is refused, and the model told so. */
const maxCallsOfTurn = 20;

export type ToolUse = {
  readonly assignment: Assignment;
  readonly turnKey: string;
  readonly watches: readonly Stopwatch[];
  readonly doWork: DoWork;
};

/**
 * Runs the tools that a turn asks for, one after the other, each as a durable step. Failures are told to the
 * model; with `tool_failure_policy: raise` the first ends the task with `crew_tool_failed`.
 */
export async function useTools(run: Run, use: ToolUse, calls: readonly ToolCall[]): Promise<ToolResult[]> {
  const results: ToolResult[] = [];
  for (const [index, call] of calls.entries()) {
    // By number: ids are the model's words, and some models give all calls the same.
    const key = stepKey(use.turnKey, "tool", index + 1);
    results.push(await useTool(run, use, call, { key, isTooMany: index >= maxCallsOfTurn }));
  }
  return results;
}

async function useTool(
  run: Run,
  use: ToolUse,
  call: ToolCall,
  at: { readonly key: string; readonly isTooMany: boolean },
): Promise<ToolResult> {
  const { assignment } = use;
  const answer = (output: string, isError: boolean): ToolResult => ({
    callId: call.id,
    name: call.name,
    output,
    ...(isError ? { isError } : {}),
  });
  if (at.isTooMany) return answer(`Not run: at most ${maxCallsOfTurn} tools can be called at once.`, true);
  if (isDelegation(call.name) && assignment.coworkers.length > 0)
    return handOver(run, assignment, { call, key: at.key, watches: use.watches }, use.doWork);

  const tool = assignment.tools.find((one) => one.name === call.name);
  const cacheKey = `${call.name} ${JSON.stringify(call.input)}`;
  const known = tool?.cacheable === true ? assignment.known?.get(cacheKey) : undefined;
  if (known !== undefined) return answer(known, false);

  const record = await run.runtime.step(
    at.key,
    async (signal) => runTool(run, use, { tool, call, key: at.key }, AbortSignal.any([signal, run.signal])),
    { events: (value) => [toolEvent(assignment, call, value, at.key)] },
  );
  for (const watch of use.watches) watch.spend(record.ms);
  if (record.outcome !== "refused") run.usage.addTool(tool?.cost ?? 0, record.uses ?? []);
  if (record.outcome === "failed" && assignment.toolFailurePolicy === "raise")
    throw crewErrors.toolFailed(assignment.task, call.name, record.output);
  if (record.outcome === "done" && tool?.cacheable === true) assignment.known?.set(cacheKey, record.output);
  // Why it failed may be told in a server's words.
  const isData = record.outcome === "failed";
  return answer(isData ? markedAsData(run, at.key, record.output) : record.output, record.outcome !== "done");
}

type ToUse = { readonly tool: Tool | undefined; readonly call: ToolCall; readonly key: string };

async function runTool(run: Run, use: ToolUse, wanted: ToUse, signal: AbortSignal): Promise<ToolRecord> {
  const { tool, call, key } = wanted;
  const refused = (output: string): ToolRecord => ({ outcome: "refused", output, ms: 0 });
  if (tool === undefined) {
    const names = use.assignment.tools.map((one) => one.name).join(", ");
    return refused(
      `There is no tool ${JSON.stringify(call.name)}. ${names === "" ? "You have no tools." : `Yours are: ${names}.`}`,
    );
  }
  const accepted = tool.accept(call.input);
  if (!accepted.ok) return refused(`The input does not fit: ${accepted.problem}`);

  const { clock, emit } = run.runtime;
  const { task, agent } = use.assignment;
  emit({ type: "crew.tool_started", data: { task, agent: agent.role, tool: tool.name, step: key } });
  const begin = clock.monotonicMs();
  const uses: ModelUse[] = [];
  const ended = (outcome: "done" | "failed", output: string): ToolRecord => ({
    ...{ outcome, output, ms: Math.round(clock.monotonicMs() - begin) },
    ...(uses.length === 0 ? {} : { uses: [...uses] }),
  });
  return underWatches(use.watches, signal, async (limited): Promise<ToolRecord> => {
    // A signal that has aborted already tells nobody of it.
    limited.throwIfAborted();
    const tooLong = AbortSignal.timeout(tool.timeoutMs);
    const both = AbortSignal.any([limited, tooLong]);
    try {
      // A tool that does not heed its signal must not hold the run.
      const context = { ...contextOf(run, key, both), noteUse: (use: ModelUse) => void uses.push(use) };
      const value = await raceAgainst(both, accepted.run(context));
      return ended("done", markedAsData(run, key, cut(inText(value), tool)));
    } catch (error) {
      // The run was stopped, or its time is over: not the tool's failure.
      if (limited.aborted) throw error;
      const reason = tooLong.aborted
        ? `it took longer than ${tool.timeoutMs / 1000} s`
        : toError(error).message;
      return ended("failed", cut(`Failed: ${reason}`, tool));
    }
  });
}

function inText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "Done." : JSON.stringify(value);
}

function cut(text: string, tool: Tool): string {
  const over = text.length - tool.maxOutputCharacters;
  if (over <= 0) return text;
  return `${text.slice(0, tool.maxOutputCharacters)}\n[cut here: ${over} more characters]`;
}
