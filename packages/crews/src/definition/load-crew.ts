import { createHash } from "node:crypto";
import { suggestion } from "@millrace/kernel";
import { crewErrors } from "../errors.ts";
import type { CrewProblem } from "../errors.ts";
import { interpolatedTexts, variablesOf } from "../prompts/interpolate.ts";
import { checkTaskRules } from "./check-rules.ts";
import type { Crew, CrewRegistries, CrewTask } from "./crew.ts";
import { problemAt } from "./key-table.ts";
import type { Findings } from "./key-table.ts";
import { readAgent } from "./read-agent.ts";
import { readCrewSettings } from "./read-crew-settings.ts";
import type { CrewSettings } from "./read-crew-settings.ts";
import { readTask } from "./read-task.ts";
import { readYaml } from "./yaml-file.ts";
import type { SourceFile, YamlFile } from "./yaml-file.ts";

export type CrewSource = {
  readonly name: string;
  readonly agents: SourceFile;
  readonly tasks: SourceFile;
  /** What crew.py says in CrewAI. Default: a sequential crew of all agents. */
  readonly crew?: SourceFile;
};

/** Task names are part of the keys of durable steps, whose length is limited. */
const maxNameLength = 60;

/**
 * Reads the files of one crew and resolves every name in them. Throws `invalid_crew` with all of its problems,
 * each with its file and line.
 */
export function loadCrew(source: CrewSource, registries: CrewRegistries): Crew {
  const findings: Findings = { problems: [], warnings: [] };
  const agentsFile = openFile(source.agents, findings);
  const tasksFile = openFile(source.tasks, findings);
  const crewFile = source.crew === undefined ? null : openFile(source.crew, findings);
  if (agentsFile === undefined || tasksFile === undefined || crewFile === undefined)
    throw crewErrors.invalidCrew(source.name, findings.problems);

  const agents = readAll(agentsFile, registries, findings, readAgent);
  const tasks = readAll(tasksFile, registries, findings, readTask);
  const agentNames = Object.keys(agentsFile.value);
  const settings = readCrewSettings(crewFile, { agents, agentNames }, registries, findings);
  checkAgentsOfTasks(tasksFile, tasks, settings, findings);
  for (const file of [agentsFile, tasksFile])
    if (Object.keys(file.value).length === 0) findings.problems.push(problemAt(file, [], "is empty."));
  const hasAllTasks = tasks.length === Object.keys(tasksFile.value).length;
  if (hasAllTasks) {
    for (const { task, key, message } of checkTaskRules(tasks, settings.process))
      findings.problems.push(problemAt(tasksFile, [task, key], message));
  }
  if (findings.problems.length > 0) throw crewErrors.invalidCrew(source.name, findings.problems);
  return assemble(source, settings, tasks, findings.warnings);
}

function assemble(
  source: CrewSource,
  settings: CrewSettings,
  tasks: readonly CrewTask[],
  warnings: readonly CrewProblem[],
): Crew {
  const { defaults, memberNames: _, ...rest } = settings;
  const everyone = settings.manager === null ? settings.agents : [...settings.agents, settings.manager];
  const variables = variablesOf(interpolatedTexts(everyone, tasks).join("\n"));
  return {
    ...rest,
    name: source.name,
    title: settings.title ?? source.name,
    tasks,
    inputs: variables.map((name) => {
      const value = Object.hasOwn(defaults, name) ? defaults[name] : undefined;
      return value === undefined ? { name } : { name, default: value };
    }),
    defaults,
    warnings,
    fingerprint: fingerprintOf(source),
  };
}

function openFile(source: SourceFile, findings: Findings): YamlFile | undefined {
  const read = readYaml(source);
  if ("lineOf" in read) return read;
  findings.problems.push(...read);
  return undefined;
}

type ReadOne<Value> = (
  file: YamlFile,
  name: string,
  registries: CrewRegistries,
  findings: Findings,
) => Value | undefined;

function readAll<Value>(
  file: YamlFile,
  registries: CrewRegistries,
  findings: Findings,
  readOne: ReadOne<Value>,
): Value[] {
  return Object.keys(file.value).flatMap((name) => {
    if (!/^[\w-]+$/.test(name) || name.length > maxNameLength) {
      const message = `is not a name: use letters, digits, _ and -, at most ${maxNameLength}.`;
      findings.problems.push(problemAt(file, [name], message));
      return [];
    }
    const value = readOne(file, name, registries, findings);
    return value === undefined ? [] : [value];
  });
}

function checkAgentsOfTasks(
  file: YamlFile,
  tasks: readonly CrewTask[],
  settings: CrewSettings,
  findings: Findings,
): void {
  const known = settings.memberNames;
  for (const { name, agent } of tasks) {
    if (agent === null || known.includes(agent)) continue;
    const message = `there is no agent ${agent} in this crew.${suggestion(agent, known)} Known: ${known.join(", ")}.`;
    findings.problems.push(problemAt(file, [name, "agent"], message));
  }
}

function fingerprintOf(source: CrewSource): string {
  const hash = createHash("sha256");
  for (const file of [source.agents, source.tasks, source.crew]) hash.update(`${file?.text ?? ""}\u0000`);
  return hash.digest("hex");
}
