import { suggestion } from "@millrace/kernel";
import { standardManager } from "../prompts/manager.ts";
import { crewKeys } from "./crew-keys.ts";
import type { Crew, CrewAgent, CrewInputs, CrewRegistries } from "./crew.ts";
import { problemAt, readEntry } from "./key-table.ts";
import type { Findings } from "./key-table.ts";
import { Resolver } from "./resolve.ts";
import type { YamlFile } from "./yaml-file.ts";

export type CrewSettings = Omit<Crew, "name" | "title" | "tasks" | "inputs" | "warnings" | "fingerprint"> & {
  readonly title: string | null;
  readonly defaults: CrewInputs;
  /** The names of its agents, also of those that could not be read. */
  readonly memberNames: readonly string[];
};

type Available = { readonly agents: readonly CrewAgent[]; readonly agentNames: readonly string[] };

const withoutFile: YamlFile = { name: "crew.yaml", value: {}, lineOf: () => undefined };

/** What `crew.yaml` says, or what holds without it. Problems are added to the findings. */
export function readCrewSettings(
  given: YamlFile | null,
  available: Available,
  registries: CrewRegistries,
  findings: Findings,
): CrewSettings {
  const file = given ?? withoutFile;
  const keys = readEntry(file, [], crewKeys, findings) ?? crewKeys.schema.parse({});
  const resolver = new Resolver(registries, { file, path: [] }, findings);
  const wrong = (key: string, message: string) => findings.problems.push(problemAt(file, [key], message));

  for (const name of [
    ...(keys.agents ?? []),
    ...(keys.manager_agent === undefined ? [] : [keys.manager_agent]),
  ]) {
    if (available.agentNames.includes(name)) continue;
    const key = keys.agents?.includes(name) === true ? "agents" : "manager_agent";
    wrong(key, `agents.yaml has no agent ${name}.${suggestion(name, available.agentNames)}`);
  }
  const isMember = (name: string) =>
    keys.agents === undefined ? name !== keys.manager_agent : keys.agents.includes(name);
  const managerModel = resolver.one("models", "manager_llm", keys.manager_llm)?.value ?? null;
  const own = available.agents.find((agent) => agent.name === keys.manager_agent) ?? null;
  if (own !== null && isMember(own.name))
    wrong("manager_agent", `${own.name} can't be the manager and one of the agents.`);
  if (own !== null && own.tools.length > 0)
    wrong("manager_agent", `the manager ${own.name} must have no tools: it gives work to others.`);
  if (keys.process === "hierarchical" && keys.manager_agent === undefined && keys.manager_llm === undefined)
    wrong("process", "a hierarchical crew needs manager_llm or manager_agent.");

  return {
    title: keys.name ?? null,
    description: keys.description ?? null,
    process: keys.process,
    agents: available.agents.filter((agent) => isMember(agent.name)),
    memberNames: available.agentNames.filter(isMember),
    manager: keys.process === "hierarchical" ? managerOf(own, managerModel) : null,
    hasCache: keys.cache,
    maxRequestsPerMinute: keys.max_rpm ?? null,
    planner: keys.planning
      ? { model: resolver.one("models", "planning_llm", keys.planning_llm)?.value ?? null }
      : null,
    taskCallbacks: resolver.many("callbacks", "task_callback", [keys.task_callback]),
    stepCallbacks: resolver.many("callbacks", "step_callback", [keys.step_callback]),
    beforeKickoff: resolver.many("callbacks", "before_kickoff_callbacks", keys.before_kickoff_callbacks),
    afterKickoff: resolver.many("callbacks", "after_kickoff_callbacks", keys.after_kickoff_callbacks),
    defaults: keys.inputs,
  };
}

/** A manager of one's own may delegate, whatever its entry says, as in CrewAI. */
function managerOf(own: CrewAgent | null, model: string | null): CrewAgent {
  return own === null ? standardManager(model) : { ...own, mayDelegate: true };
}
