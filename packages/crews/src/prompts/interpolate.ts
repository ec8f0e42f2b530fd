import type { ErrorItem, JsonValue } from "@millrace/kernel";
import type { Crew, CrewAgent, CrewInputs, CrewTask } from "../definition/crew.ts";
import { crewErrors } from "../errors.ts";

/** `{topic}`. Other braces, such as those of JSON, are text. */
const variable = /\{([A-Za-z_][A-Za-z0-9_-]*)\}/g;

/** The variables of a text, each once, in the order of their first use. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(variable)].map((match) => match[1] ?? ""))];
}

/** Texts of a crew in which variables may stand. */
export function interpolatedTexts(
  agents: readonly Pick<CrewAgent, "role" | "goal" | "backstory">[],
  tasks: readonly Pick<CrewTask, "description" | "expectedOutput" | "outputFile">[],
): string[] {
  return [
    ...tasks.flatMap((task) => [task.description, task.expectedOutput, task.outputFile ?? ""]),
    ...agents.flatMap((agent) => [agent.role, agent.goal, agent.backstory]),
  ];
}

/** Puts values in the place of variables. What a value itself contains is not looked at again. */
export function interpolate(text: string, inputs: CrewInputs): string {
  return text.replaceAll(variable, (whole, name: string) => {
    const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    return value === undefined ? whole : inText(value);
  });
}

function inText(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * The inputs of a run with the crew's own defaults. Throws `crew_inputs_invalid` naming every variable without
 * a value. As in CrewAI a run without any inputs is not interpolated: its braces stay as they are.
 */
export function completeInputs(crew: Crew, given: CrewInputs): CrewInputs {
  const inputs = { ...crew.defaults, ...given };
  if (Object.keys(inputs).length === 0) return inputs;
  const problems = missingInputs(crew, given);
  if (problems.length > 0) throw crewErrors.inputsInvalid(problems);
  return inputs;
}

/** What is missing for a run to be sensible, also when there are no inputs at all; for those who take orders. */
export function missingInputs(crew: Crew, given: CrewInputs): ErrorItem[] {
  const inputs = { ...crew.defaults, ...given };
  return crew.inputs.flatMap(({ name }) => {
    const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (value !== undefined && value !== null) return [];
    const message = value === null ? `The input ${name} must not be null.` : `The input ${name} is missing.`;
    return [{ pointer: name, code: "crew_inputs_invalid", message }];
  });
}

/** The same crew with its inputs in its texts. */
export function interpolateCrew(crew: Crew, inputs: CrewInputs): Crew {
  if (Object.keys(inputs).length === 0) return crew;
  const agent = (one: CrewAgent): CrewAgent => ({
    ...one,
    role: interpolate(one.role, inputs),
    goal: interpolate(one.goal, inputs),
    backstory: interpolate(one.backstory, inputs),
  });
  return {
    ...crew,
    agents: crew.agents.map(agent),
    manager: crew.manager === null ? null : agent(crew.manager),
    tasks: crew.tasks.map((task) => ({
      ...task,
      description: interpolate(task.description, inputs),
      expectedOutput: interpolate(task.expectedOutput, inputs),
      outputFile: task.outputFile === null ? null : interpolate(task.outputFile, inputs),
    })),
  };
}
