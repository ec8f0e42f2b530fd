import type { CrewAgentShape, crewInputSchema, CrewShape, CrewTaskShape } from "@millrace/contracts";
import { isMillraceError } from "@millrace/kernel";
import type { z } from "zod";
import type { Crew, CrewAgent, CrewTask } from "../definition/crew.ts";
import type { LoadedCrews } from "../definition/load-crews.ts";
import { placeOf } from "../errors.ts";
import { getCrew } from "./get-crew.ts";

function toCrew(crew: Crew): CrewShape {
  return {
    name: crew.name,
    title: crew.title,
    description: crew.description,
    process: crew.process,
    inputs: crew.inputs.map((input) => ({
      name: input.name,
      required: input.default === undefined,
      // JSON, and a copy: what is handed out may be changed.
      default: structuredClone(input.default ?? null) as z.infer<typeof crewInputSchema>["default"],
    })),
    agents: crew.agents.map(toAgent),
    manager: crew.manager === null ? null : toAgent(crew.manager),
    tasks: crew.tasks.map(toTask),
    warnings: crew.warnings.map((warning) => ({ place: placeOf(warning), message: warning.message })),
    error: null,
    links: linksOf(crew.name),
  };
}

/** All crews by name. Those whose files can't be used stand among the others, with all that is wrong with them. */
export function listCrewViews({ crews, broken }: LoadedCrews): CrewShape[] {
  return [...crews.map(toCrew), ...broken.map(toBroken)].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** One crew, usable or not. Throws `crew_not_found`. */
export function getCrewView(loaded: LoadedCrews, name: string): CrewShape {
  return listCrewViews(loaded).find((crew) => crew.name === name) ?? toCrew(getCrew(loaded, name));
}

function toBroken({ name, error }: LoadedCrews["broken"][number]): CrewShape {
  const items = isMillraceError(error) ? error.items : [];
  return {
    name,
    title: name,
    description: null,
    process: "sequential",
    inputs: [],
    agents: [],
    manager: null,
    tasks: [],
    warnings: [],
    error: {
      code: isMillraceError(error) ? error.code : "invalid_crew",
      message: error.message,
      problems: items.map(({ pointer, message }) => ({ place: pointer, message })),
    },
    links: linksOf(name),
  };
}

function toAgent(agent: CrewAgent): CrewAgentShape {
  return {
    name: agent.name,
    role: agent.role,
    goal: agent.goal,
    model: agent.model,
    tools: agent.tools.map((tool) => tool.name),
    may_delegate: agent.mayDelegate,
  };
}

function toTask(task: CrewTask): CrewTaskShape {
  return {
    name: task.name,
    title: task.title,
    description: task.description,
    expected_output: task.expectedOutput,
    agent: task.agent,
    context: task.context === null ? null : [...task.context],
    tools: task.tools.map((tool) => tool.name),
    is_async: task.isAsync,
    human_input: task.asksPerson,
  };
}

function linksOf(name: string): CrewShape["links"] {
  return { self: `/api/crews/${name}`, runs: `/api/crews/${name}/runs` };
}
