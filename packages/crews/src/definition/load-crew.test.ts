import { isMillraceError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool } from "../tools/tool.ts";
import type { CrewRegistries } from "./crew.ts";
import { loadCrew } from "./load-crew.ts";

const find = { name: "find", description: "Finds.", input: z.object({}), run: async () => "found" };

const known: CrewRegistries = {
  tools: { one: defineTool(find), other: defineTool(find) },
  schemas: { note: z.object({}), other: z.object({}) },
  callbacks: {},
  guardrails: { polite: () => ({ ok: true }) },
  conditions: { always: () => true },
  models: { "openai/gpt-4o": "openai-compatible:gpt-4o" },
};

const agents = `
writer: { role: Writer, goal: Write, backstory: You write }
reader: { role: Reader, goal: Read, backstory: You read }
`;

function load(given: { agents?: string; tasks?: string; crew?: string }) {
  return loadCrew(
    {
      name: "test",
      agents: { name: "agents.yaml", text: given.agents ?? agents },
      tasks: { name: "tasks.yaml", text: given.tasks ?? task("write", "agent: writer") },
      ...(given.crew === undefined ? {} : { crew: { name: "crew.yaml", text: given.crew } }),
    },
    known,
  );
}

function task(name: string, rest: string): string {
  return `${name}: { description: Do it, expected_output: Done, ${rest} }\n`;
}

/** `tasks.yaml:2: write.agent` and what is wrong there. */
function problems(given: Parameters<typeof load>[0]): string[] {
  try {
    load(given);
  } catch (error) {
    if (isMillraceError(error)) return error.items.map((item) => `${item.pointer} ${item.message}`);
    throw error;
  }
  return [];
}

describe("loadCrew", () => {
  it("takes a crew without crew.yaml as a sequential one of all agents", () => {
    const crew = load({});

    expect(crew).toMatchObject({ process: "sequential", manager: null, hasCache: false, planner: null });
    expect(crew.agents.map((agent) => agent.name)).toEqual(["writer", "reader"]);
  });

  it("finds models by the names that are used in YAML", () => {
    const crew = load({ agents: `writer: { role: W, goal: G, backstory: B, llm: openai/gpt-4o }` });

    expect(crew.agents[0]?.model).toBe("openai-compatible:gpt-4o");
  });

  it("says of a key that it is missing, and of YAML's y and no that they are no text", () => {
    const found = problems({ agents: "writer: { role: W, goal: no }\n" });

    expect(found).toEqual([
      expect.stringMatching(/^agents.yaml:1: writer.goal must be a text. Put it in quotes: /),
      "agents.yaml:1: writer.backstory is missing.",
    ]);
  });

  it("names the kind of value that a key has", () => {
    const found = problems({ tasks: task("write", "agent: writer, async_execution: maybe, tools: find") });

    expect(found).toEqual([
      "tasks.yaml:1: write.tools must be a list.",
      "tasks.yaml:1: write.async_execution must be true or false.",
    ]);
  });

  it("lists the known names when one is unknown", () => {
    expect(
      problems({ agents: `${agents.trim()}\nx: { role: W, goal: G, backstory: B, llm: openai/gpt-4 }` }),
    ).toEqual([
      'agents.yaml:3: x.llm there is no model "openai/gpt-4". Did you mean openai/gpt-4o? Known: openai/gpt-4o.',
    ]);
  });

  it.each([
    ["a text that is no YAML", { agents: "a: [" }, "agents.yaml:1 is not YAML"],
    ["no agents", { agents: "{}" }, "agents.yaml is empty"],
    ["no tasks", { tasks: "{}" }, "tasks.yaml is empty"],
    [
      "two tools of one name",
      { agents: "writer: { role: W, goal: G, backstory: B, tools: [one, other, one] }" },
      "two different tools call themselves find",
    ],
    ["an empty file", { agents: "" }, "agents.yaml is empty"],
    ["a list", { agents: "- a" }, "agents.yaml must map names"],
    ["an agent that is text", { agents: "writer: hello" }, "agents.yaml:1: writer must map keys"],
    ["a missing role", { agents: "writer: { goal: G, backstory: B }" }, "agents.yaml:1: writer.role"],
    ["a key given twice", { agents: "writer: { role: W, role: W, goal: G, backstory: B }" }, "is not YAML"],
    ["a name with spaces", { agents: "a b: { role: W, goal: G, backstory: B }" }, "is not a name"],
    [
      "an unknown date code",
      { agents: `writer: { role: W, goal: G, backstory: B, inject_date: true, date_format: "%Q" }` },
      "writer.date_format %Q",
    ],
    ["an unknown schema", { tasks: task("write", "agent: writer, output_json: nope") }, "there is no schema"],
    [
      "two schemas",
      { tasks: task("write", "agent: writer, output_json: note, output_pydantic: other") },
      "one output schema",
    ],
    [
      "a guardrail of one unknown word",
      { tasks: task("write", "agent: writer, guardrail: polit") },
      "Did you mean polite",
    ],
    ["a file outside", { tasks: task("write", "agent: writer, output_file: ../x") }, "write.output_file"],
    [
      "a condition on the first task",
      { tasks: task("write", "agent: writer, condition: always") },
      "the first task has no output",
    ],
    [
      "async tasks at the end",
      {
        tasks:
          task("a", "agent: writer") +
          task("b", "agent: writer, async_execution: true") +
          task("c", "agent: writer, async_execution: true"),
      },
      "tasks.yaml:3: c.async_execution",
    ],
    [
      "an async task that needs one beside it",
      {
        tasks:
          task("a", "agent: writer, async_execution: true") +
          task("b", "agent: writer, async_execution: true, context: [a]") +
          task("c", "agent: writer"),
      },
      "worked on at the same time",
    ],
    ["itself as context", { tasks: task("a", "agent: writer, context: [a]") }, "its own context"],
    ["unknown context", { tasks: task("a", "agent: writer, context: [b]") }, "there is no task b"],
    ["a hierarchy without a head", { crew: "process: hierarchical" }, "needs manager_llm or manager_agent"],
    [
      "a manager among the agents",
      { crew: "{ process: hierarchical, manager_agent: writer, agents: [writer] }" },
      "can't be the manager and one of the agents",
    ],
    ["an unknown agent in crew.yaml", { crew: "agents: [writer, redaer]" }, "Did you mean reader?"],
    ["an unknown process", { crew: "process: consensual" }, "crew.yaml:1: process"],
    ["a prompt file", { crew: "prompt_file: prompts.json" }, "other prompts can't be put in"],
  ])("refuses %s", (_, given, expected) => {
    expect(problems(given).join("\n")).toContain(expected);
  });

  it("lets an async task build on one that was awaited before", () => {
    const tasks =
      task("a", "agent: writer, async_execution: true") +
      task("b", "agent: writer") +
      task("c", "agent: writer, async_execution: true, context: [a, b]");

    expect(problems({ tasks })).toEqual([]);
  });

  it("does not grow without bound on aliases that refer to aliases", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefgh"
      .split("")
      .map((name, index) => {
        const before = "abcdefg"[index] ?? "a";
        return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(",")}]`;
      })
      .join("\n")}`;

    expect(problems({ agents: bomb }).join()).toContain("is not usable YAML");
  });

  it("takes a tool that is named twice once", () => {
    const crew = load({ agents: "writer: { role: W, goal: G, backstory: B, tools: [one, one] }" });

    expect(crew.agents[0]?.tools).toHaveLength(1);
  });

  it("says nothing of keys that ask for nothing", () => {
    const crew = load({
      agents: `writer: { role: W, goal: G, backstory: B, memory: false, verbose: null, mcps: [] }`,
    });

    expect(crew.warnings).toEqual([]);
  });
});
