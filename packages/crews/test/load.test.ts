import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isMillraceError } from "@millrace/kernel";
import { loadCrews } from "../src/index.ts";
import { agentKeys } from "../src/definition/agent-keys.ts";
import { crewKeys } from "../src/definition/crew-keys.ts";
import { taskKeys } from "../src/definition/task-keys.ts";
import { loadFixture } from "./load-fixture.ts";
import { registries } from "./registries.ts";

const folder = join(import.meta.dirname, "fixtures");

describe("loadCrews", () => {
  it("finds the crews of a folder, also those in config, and keeps broken ones apart", async () => {
    const loaded = await loadCrews(folder, registries);

    expect(loaded.crews.map((crew) => crew.name)).toEqual(["every-key", "hierarchy", "newsroom"]);
    expect(loaded.broken.map((crew) => crew.name)).toEqual(["broken"]);
  });

  it("finds nothing where there is no folder", async () => {
    expect(await loadCrews(join(folder, "nowhere"), registries)).toEqual({ crews: [], broken: [] });
  });

  it("names every problem of a crew with its line", async () => {
    const { broken } = await loadCrews(folder, registries);
    const error = broken[0]?.error;

    const items = isMillraceError(error) ? error.items : [];
    const found = items.map((item) => `${item.pointer.replace(`${folder}/broken/`, "")} ${item.message}`);
    expect(found).toEqual([
      "agents.yaml:5: writer.tolls is not a key that is known here. Did you mean tools?",
      "agents.yaml:7: writer.from_repository fetches an agent from CrewAI's platform, which is not connected. Write role, goal and backstory here.",
      "agents.yaml:8: writer.max_iter must be a number.",
      'agents.yaml:6: writer.tools there is no tool "lokup". Did you mean lookup? Known: calculator, lookup.',
      "tasks.yaml:4: write.agent there is no agent writr in this crew. Did you mean writer? Known: writer.",
      "tasks.yaml:5: write.context the task publish comes later; a task can only build on earlier ones.",
      "tasks.yaml:6: publish.agent is missing: a sequential crew needs one for each task.",
    ]);
  });
});

describe("a crew of CrewAI's files", () => {
  it("reads folded texts trimmed, merge keys and yes as CrewAI does", async () => {
    const crew = await loadFixture("newsroom");

    const [researcher, , editor] = crew.agents;
    expect(researcher).toMatchObject({ role: "{topic} Researcher", mayDelegate: true });
    expect(editor).toMatchObject({ role: "Desk Editor", maxTurns: 4 });
  });

  it("lists the inputs it needs, with their defaults", async () => {
    const crew = await loadFixture("newsroom");

    expect(crew.inputs).toEqual([{ name: "topic" }, { name: "year", default: 2026 }]);
  });

  it("has no warnings when every key has its effect", async () => {
    expect((await loadFixture("newsroom")).warnings).toEqual([]);
  });

  it("keeps the manager out of the agents", async () => {
    const crew = await loadFixture("hierarchy");

    expect(crew.manager?.role).toBe("Team Lead");
    expect(crew.agents.map((agent) => agent.name)).toEqual(["writer", "researcher"]);
  });

  it("warns of each key that has no effect, at its line", async () => {
    const crew = await loadFixture("every-key");

    const warned = crew.warnings.map((warning) => warning.path.split(".").at(-1));
    const silent = ["create_directory"];
    expect(new Set([...warned, ...silent])).toEqual(
      new Set([
        ...Object.keys(agentKeys.ignored),
        ...Object.keys(taskKeys.ignored),
        ...Object.keys(crewKeys.ignored),
        "max_retries",
      ]),
    );
    expect(crew.warnings.every((warning) => warning.line !== undefined)).toBe(true);
  });
});

describe("the fixtures and the documentation", () => {
  const tables = [
    { file: "agents.yaml", table: agentKeys },
    { file: "tasks.yaml", table: taskKeys },
    { file: "crew.yaml", table: crewKeys },
  ];
  const keysOf = ({ schema, ignored }: (typeof tables)[number]["table"]) => [
    ...Object.keys(schema.shape),
    ...Object.keys(ignored),
  ];

  it.each(tables)("use every key of $file", async ({ file, table }) => {
    const path = join(folder, "every-key", file === "crew.yaml" ? file : `config/${file}`);
    const text = await readFile(path, "utf8");

    const unused = keysOf(table).filter((key) => !new RegExp(`^ *${key}:`, "m").test(text));
    expect(unused).toEqual([]);
  });

  it.each(tables)("list every key of $file in docs/crews.md", async ({ table }) => {
    const text = await readFile(join(import.meta.dirname, "../../../docs/crews.md"), "utf8");

    const missing = [...keysOf(table), ...Object.keys(table.refused)].filter(
      (key) => !text.includes(`\`${key}\``),
    );
    expect(missing).toEqual([]);
  });
});
