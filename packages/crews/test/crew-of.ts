import { loadCrew } from "../src/index.ts";
import type { Crew, CrewRegistries } from "../src/index.ts";
import { registries } from "./registries.ts";

export type CrewText = {
  readonly agents?: string;
  readonly tasks: string;
  readonly crew?: string;
  readonly registries?: Partial<CrewRegistries>;
};

/** A crew of YAML in a test. Without agents it has `writer`. */
export function crewOf(text: CrewText): Crew {
  return loadCrew(
    {
      name: "test",
      agents: { name: "agents.yaml", text: text.agents ?? agent("writer") },
      tasks: { name: "tasks.yaml", text: text.tasks },
      ...(text.crew === undefined ? {} : { crew: { name: "crew.yaml", text: text.crew } }),
    },
    { ...registries, ...text.registries },
  );
}

export function agent(name: string, keys = ""): string {
  return `${name}: { role: The ${name}, goal: Good work, backstory: You are a ${name}., ${keys} }\n`;
}

export function task(name: string, keys = "agent: writer"): string {
  return `${name}: { description: Do the ${name}., expected_output: The ${name}., ${keys} }\n`;
}
