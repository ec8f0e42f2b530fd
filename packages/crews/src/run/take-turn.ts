import { isMillraceError } from "@millrace/kernel";
import type { JsonValue } from "@millrace/kernel";
import { useOf } from "@millrace/models";
import type { ChatMessage, Prompt, ToolDefinition, TurnRequest } from "@millrace/models";
import type { CrewAgent } from "../definition/crew.ts";
import { underWatches } from "./stopwatch.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { excerpt } from "./run-state.ts";
import type { Run, TurnCap } from "./run-state.ts";
import type { CrewEvent } from "./runtime.ts";
import type { TurnRecord } from "./turn-record.ts";

/** The others are the queue's to try again, or final. */
const answeredHere: ReadonlySet<string> = new Set([
  "model_context_exceeded",
  "model_bad_output",
  "model_output_truncated",
]);

export type Turn = {
  readonly key: string;
  /** The task's key, or what the turn is for when it is for no task. */
  readonly task: string;
  /** Who speaks, for those who watch. */
  readonly speaker: string;
  /** Whose limits hold; null: only those of the crew. */
  readonly agent: CrewAgent | null;
  readonly model: string | null;
  /** The one whose text its instructions are. */
  readonly prompt: Prompt;
  readonly instructions: string;
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ToolDefinition[];
  readonly toolChoice?: "auto" | "none";
  readonly watches: readonly Stopwatch[];
  readonly cap: TurnCap;
};

/** One call of a model as a durable step, within all limits. */
export async function takeTurn(run: Run, turn: Turn): Promise<TurnRecord> {
  turn.cap.take();
  const gates = run.gates.of(turn.agent);
  let isNew = false;
  const record = await run.runtime.step(
    turn.key,
    async (signal) => {
      isNew = true;
      const both = AbortSignal.any([signal, run.signal]);
      for (const gate of gates) await gate.enter(run.runtime, both);
      return underWatches(turn.watches, both, async (limited) => callModel(run, turn, limited));
    },
    { events: (value) => [turnEvent(turn, value)] },
  );
  if (!isNew) for (const gate of gates) gate.note(record.at);
  run.usage.addTurn(record);
  for (const watch of turn.watches) watch.spend(record.ms);
  return record;
}

async function callModel(run: Run, turn: Turn, signal: AbortSignal): Promise<TurnRecord> {
  const { clock, emit } = run.runtime;
  emit({
    type: "crew.turn_started",
    data: { task: turn.task, agent: turn.speaker, step: turn.key },
  });
  const at = clock.now().getTime();
  const begin = clock.monotonicMs();
  try {
    const result = await run.runtime.turn(requestOf(run, turn, signal));
    return {
      outcome: "answered",
      text: result.text,
      toolCalls: result.toolCalls,
      model: result.model,
      inputTokens: result.usage.inputTokens,
      outputTokens: result.usage.outputTokens,
      cost: result.cost,
      cached: result.cached,
      ms: Math.round(clock.monotonicMs() - begin),
      at,
    };
  } catch (error) {
    if (!isMillraceError(error) || !answeredHere.has(error.code)) throw error;
    const { code, message } = error;
    const ms = Math.round(clock.monotonicMs() - begin);
    const use = useOf(error);
    return { outcome: "failed", code, message, ms, at, ...(use === undefined ? {} : { use }) };
  }
}

function requestOf(run: Run, turn: Turn, signal: AbortSignal): TurnRequest {
  const { onText, scope } = run.runtime;
  return {
    purpose: turn.prompt.name,
    origin: { owner: scope.owner, job: scope.job, step: turn.key },
    instructions: turn.instructions,
    messages: turn.messages,
    prompt: turn.prompt.id,
    signal,
    ...(turn.tools === undefined || turn.tools.length === 0
      ? {}
      : { tools: turn.tools, toolChoice: turn.toolChoice ?? "auto" }),
    ...(turn.model === null ? {} : { model: turn.model }),
    ...(turn.agent?.maxOutputTokens ? { maxOutputTokens: turn.agent.maxOutputTokens } : {}),
    ...(onText === undefined
      ? {}
      : {
          onText: (piece) => onText({ task: turn.task, agent: turn.speaker, step: turn.key, ...piece }),
        }),
  };
}

function turnEvent(turn: Turn, record: TurnRecord): CrewEvent {
  const place = {
    task: turn.task,
    agent: turn.speaker,
    step: turn.key,
    prompt: turn.prompt.id,
    latency_ms: record.ms,
  };
  const data: Readonly<Record<string, JsonValue>> =
    record.outcome === "failed"
      ? { ...place, outcome: "failed", error_code: record.code, ...failedUse(record) }
      : {
          ...place,
          outcome: "answered",
          text: excerpt(record.text),
          tools: record.toolCalls.map((call) => call.name),
          model: record.model,
          input_tokens: record.inputTokens,
          output_tokens: record.outputTokens,
          cost: record.cost,
          cached: record.cached,
        };
  return { type: "crew.agent_turn", data };
}

function failedUse({ use }: Extract<TurnRecord, { outcome: "failed" }>): CrewEvent["data"] {
  if (use === undefined) return {};
  const { model, tokens, cost } = use;
  return { model, input_tokens: tokens.input, output_tokens: tokens.output, cost };
}
