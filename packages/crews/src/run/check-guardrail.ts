import { z } from "zod";
import type { CrewAgent, Guardrail, GuardrailVerdict, TaskOutput } from "../definition/crew.ts";
import { crewErrors } from "../errors.ts";
import { promptOf } from "../prompts/prompt-files.ts";
import { askObject } from "./ask-object.ts";
import { contextOf, excerpt, markedAsData } from "./run-state.ts";
import type { Run, TurnCap } from "./run-state.ts";

const judgement = z.object({
  valid: z.boolean().describe("Whether the result fulfils the criteria"),
  feedback: z.string().describe("What has to change; empty when it is valid"),
});

export type Checked = {
  readonly guardrail: Guardrail;
  readonly key: string;
  readonly output: TaskOutput;
  readonly agent: CrewAgent;
  readonly cap: TurnCap;
};

/** Whether an output may go on. Recorded, so that a resumed run has the same verdict. */
export async function checkGuardrail(run: Run, checked: Checked): Promise<GuardrailVerdict> {
  const { guardrail, key, output } = checked;
  const judged = guardrail.kind === "judged" ? await judge(run, checked, guardrail.criteria) : undefined;
  return run.runtime.step(
    key,
    async (signal): Promise<GuardrailVerdict> => {
      if (judged !== undefined) return judged;
      return guardrail.kind === "function"
        ? guardrail.check(output, contextOf(run, key, signal))
        : { ok: true };
    },
    {
      events: (verdict) => [
        {
          type: "crew.guardrail_checked",
          data: {
            task: output.task,
            guardrail: guardrail.kind === "function" ? guardrail.name : excerpt(guardrail.criteria),
            passed: verdict.ok,
            problem: verdict.ok ? null : excerpt(verdict.problem),
            step: key,
          },
        },
      ],
    },
  );
}

async function judge(run: Run, checked: Checked, criteria: string): Promise<GuardrailVerdict> {
  const { key, output, agent, cap } = checked;
  const answer = await askObject(run, {
    key,
    task: output.task,
    speaker: "Guardrail",
    agent,
    model: agent.model,
    prompt: promptOf("crew.guardrail"),
    instructions: promptOf("crew.guardrail").body,
    text: `Criteria:\n${criteria}\n\nResult of the task:\n${markedAsData(run, key, output.raw)}`,
    schema: judgement,
    watches: [],
    cap,
  });
  if (!answer.ok) throw crewErrors.judgementInvalid(output.task, answer.problem);
  if (answer.value.valid) return { ok: true };
  return { ok: false, problem: answer.value.feedback || "The criteria are not fulfilled." };
}
