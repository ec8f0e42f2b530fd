import { z } from "zod";
import type { Crew } from "../definition/crew.ts";
import { crewErrors } from "../errors.ts";
import { plannerPrompt, withPlan } from "../prompts/plan-prompt.ts";
import { promptOf } from "../prompts/prompt-files.ts";
import { askObject } from "./ask-object.ts";
import { TurnCap } from "./run-state.ts";
import type { Run } from "./run-state.ts";

/** `planning`: the crew with a plan at the end of each task's description. Throws `crew_plan_invalid`. */
export async function withPlans(run: Run, crew: Crew): Promise<Crew> {
  if (crew.planner === null) return crew;
  const names = crew.tasks.map((task) => task.name);
  const schema = z.object({ plans: z.array(z.object({ task: z.enum(names), plan: z.string().min(1) })) });
  const answer = await askObject(run, {
    key: "crew/plan",
    task: "",
    speaker: "Task Execution Planner",
    agent: null,
    model: crew.planner.model,
    prompt: promptOf("crew.plan"),
    instructions: promptOf("crew.plan").body,
    text: plannerPrompt(crew),
    schema,
    watches: [],
    cap: new TurnCap("crew/plan"),
  });
  if (!answer.ok) throw crewErrors.planInvalid(answer.problem);
  const plans = new Map(answer.value.plans.map(({ task, plan }) => [task, plan]));
  await run.runtime.step("crew/plan", async () => null, {
    events: () => [{ type: "crew.plan_made", data: { tasks: [...plans.keys()] } }],
  });
  return {
    ...crew,
    tasks: crew.tasks.map((task) => {
      const plan = plans.get(task.name);
      return plan === undefined ? task : { ...task, description: withPlan(task.description, plan) };
    }),
  };
}
