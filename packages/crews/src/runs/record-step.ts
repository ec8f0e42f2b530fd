import { crewTaskOutputSchema } from "@millrace/contracts";
import type { Transaction } from "@millrace/database";
import { z } from "zod";
import type { Crew, TaskOutput } from "../definition/crew.ts";
import { stepKey } from "../run/run-state.ts";
import type { CrewEvent } from "../run/runtime.ts";
import { sumKnown } from "../run/usage.ts";
import { addUse, writeOutput, writeQuestion, writeTaskStart } from "./write-runs.ts";

/** One recorded call of a model that is to be paid: a turn, or what a tool asked. */
export type CrewCharge = {
  readonly job: string;
  readonly step: string;
  readonly owner: string | null;
  readonly model: string;
  readonly usage: { readonly inputTokens: number | null; readonly outputTokens: number | null };
  readonly cost: number | null;
  /** The answer was there already: its tokens are not paid a second time. */
  readonly cached: boolean;
};

/** Charges once for each job and step, in the transaction that records the step. */
export type ChargeStep = (transaction: Transaction, charge: CrewCharge) => Promise<void>;

export type RecordedRun = {
  readonly id: string;
  readonly job: string;
  readonly owner: string | null;
  readonly crew: Crew;
  readonly charge: ChargeStep;
};

const amount = z.number().nullable();
// The engine's own events: that they are so is checked here, where they become rows.
const turnSchema = z.discriminatedUnion("outcome", [
  z.object({
    outcome: z.literal("answered"),
    step: z.string(),
    model: z.string(),
    input_tokens: amount,
    output_tokens: amount,
    cost: amount,
    cached: z.boolean(),
  }),
  z.object({
    outcome: z.literal("failed"),
    step: z.string(),
    /** With the next three where tokens were used all the same. */
    model: z.string().optional(),
    input_tokens: amount.default(0),
    output_tokens: amount.default(0),
    cost: amount.default(0),
  }),
]);
const toolSchema = z.object({
  outcome: z.enum(["done", "refused", "failed"]),
  step: z.string(),
  cost: amount,
  model_uses: z.array(
    z.object({ model: z.string(), input_tokens: amount, output_tokens: amount, cost: amount }),
  ),
});
const taskSchema = z.object({ task: z.string() });
const askedSchema = z.object({ task: z.string(), agent: z.string(), step: z.string() });
const outputSchema = z.object({ output: z.string() });

/** Writes what a step means for its run, in the transaction that records the step and tells of it. */
export async function recordStep(
  transaction: Transaction,
  run: RecordedRun,
  { value, events }: { readonly value: unknown; readonly events: readonly CrewEvent[] },
): Promise<void> {
  for (const { type, data } of events) {
    if (type === "crew.agent_turn") await recordTurn(transaction, run, turnSchema.parse(data));
    if (type === "crew.tool_called") await recordTool(transaction, run, toolSchema.parse(data));
    if (type === "crew.task_started") await writeTaskStart(transaction, run.id, taskSchema.parse(data).task);
    if (type === "crew.task_completed")
      await writeOutput(transaction, run.id, crewTaskOutputSchema.parse(value));
    if (type === "crew.task_skipped")
      await writeOutput(transaction, run.id, skippedOutput(run.crew, taskSchema.parse(data).task));
    if (type === "crew.person_asked") {
      const { task, agent, step } = askedSchema.parse(data);
      const { output } = outputSchema.parse(value);
      await writeQuestion(transaction, run.id, { key: step, task, agent, output });
    }
  }
}

async function recordTurn(
  transaction: Transaction,
  run: RecordedRun,
  turn: z.infer<typeof turnSchema>,
): Promise<void> {
  const { step, model, input_tokens: inputTokens, output_tokens: outputTokens, cost } = turn;
  const usage = { inputTokens, outputTokens };
  await addUse(transaction, run.id, { modelCalls: 1, toolCalls: 0, ...usage, cost });
  if (model === undefined) return;
  const { job, owner } = run;
  const cached = turn.outcome === "answered" && turn.cached;
  await run.charge(transaction, { job, step, owner, model, usage, cost, cached });
}

async function recordTool(
  transaction: Transaction,
  run: RecordedRun,
  { outcome, step, cost, model_uses: uses }: z.infer<typeof toolSchema>,
): Promise<void> {
  await addUse(transaction, run.id, {
    modelCalls: uses.length,
    toolCalls: outcome === "refused" ? 0 : 1,
    inputTokens: sumKnown(uses.map((use) => use.input_tokens)),
    outputTokens: sumKnown(uses.map((use) => use.output_tokens)),
    cost,
  });
  const { job, owner } = run;
  for (const [index, use] of uses.entries())
    await run.charge(transaction, {
      ...{ job, owner, model: use.model, cost: use.cost, cached: false },
      // Each is paid: of one step there is one charge.
      step: index === 0 ? step : stepKey(step, "use", index + 1),
      usage: { inputTokens: use.input_tokens, outputTokens: use.output_tokens },
    });
}

function skippedOutput(crew: Crew, name: string): TaskOutput {
  const task = crew.tasks.find((one) => one.name === name);
  return {
    task: name,
    name: task?.title ?? name,
    description: task?.description ?? "",
    expected_output: task?.expectedOutput ?? "",
    agent: "",
    raw: "",
    json: null,
    output_file: null,
    skipped: true,
  };
}
