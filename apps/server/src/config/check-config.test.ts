import { defineTool } from "@millrace/crews";
import { defineTask, handleTask } from "@millrace/queue";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findConfigProblems } from "./check-config.ts";

const task = defineTask({ name: "add", input: z.object({ x: z.number() }), output: z.number() });
const handler = handleTask({ task, run: async ({ input }) => input.x });
const tool = defineTool({ name: "t", description: "T", input: z.object({}), run: async () => "" });
const plugin = async (): Promise<void> => undefined;

describe("findConfigProblems", () => {
  it("finds nothing wrong with what is right", () => {
    const config = {
      tasks: [handler],
      tasksDirectory: "jobs",
      plugins: [plugin, { plugin, options: { prefix: "/x" } }],
      migrations: "migrations",
      hooks: { "job.failed": () => undefined },
      models: { chat: { specificationVersion: "v4", doGenerate: plugin } },
      crewsDirectory: "teams",
      tools: { t: tool },
      schemas: { s: z.object({}) },
      callbacks: { c: plugin },
      guardrails: { g: plugin },
      conditions: { d: plugin },
      llms: { "openai/gpt-4o": "openai:gpt-4o" },
    };

    expect(findConfigProblems(config)).toEqual([]);
    expect(findConfigProblems({ tasks: () => [handler] })).toEqual([]);
    expect(findConfigProblems({})).toEqual([]);
  });

  it.each<[string, unknown, string, string]>([
    ["a field that there is not, with what was meant", { pluggins: [] }, "pluggins", "Did you mean plugins?"],
    [
      "a task without its handler",
      { tasks: [handler, task] },
      "tasks[1]",
      "the task add without its handler",
    ],
    ["a handler that nothing made", { tasks: [{ task, run: plugin }] }, "tasks[0]", "handleTask"],
    ["tasks that are no list", { tasks: handler }, "tasks", "a list of handlers"],
    ["tools without names", { tools: [tool] }, "tools", "names as keys"],
    ["a tool that nothing made", { tools: { t: plugin } }, 'tools["t"]', "defineTool"],
    ["a schema that is none", { schemas: { s: {} } }, 'schemas["s"]', "a schema of zod"],
    ["a guardrail that is no function", { guardrails: { g: true } }, 'guardrails["g"]', "a function"],
    ["a model that is no name", { llms: { m: 3 } }, 'llms["m"]', "the name of a model"],
    ["a plugin that is none", { plugins: [plugin, "cors"] }, "plugins[1]", 'it is "cors"'],
    ["a plugin's wrong field", { plugins: [{ plugin, option: {} }] }, "plugins[0].option", "options"],
    ["options that are no object", { plugins: [{ plugin, options: 3 }] }, "plugins[0].options", "it is 3"],
    ["a schedule without a task", { schedules: [{ name: "a" }] }, "schedules[0]", "schedule({"],
    [
      "a schedule's wrong field",
      { schedules: [{ name: "a", task: "add", timezon: "UTC" }] },
      "schedules[0].timezon",
      "Did you mean timezone?",
    ],
    ["an empty name of a folder", { migrations: " " }, "migrations", "the name of a folder"],
    ["a folder that is a number", { tasksDirectory: 1 }, "tasksDirectory", "the name of a folder"],
    ["a hook that there is not", { hooks: { "job.fail": plugin } }, 'hooks["job.fail"]', "job.failed"],
    ["a hook that can't be called", { hooks: { "job.failed": 1 } }, 'hooks["job.failed"]', "a function"],
    ["a model that is none", { models: { chat: "gpt" } }, "models.chat", "AI SDK"],
    [
      "a model of another version of the SDK",
      { models: { embedding: { specificationVersion: "v2", doEmbed: plugin } } },
      "models.embedding.specificationVersion",
      "update the provider",
    ],
    ["a field of models that there is not", { models: { chats: {} } }, "models.chats", "Did you mean chat?"],
    [
      "a purpose without a list",
      { models: { purposes: { "document.*": "builtin" } } },
      'models.purposes["document.*"]',
      "names of models",
    ],
    ["more models that are none", { models: { endpoints: [{}] } }, "models.endpoints[0]", "AI SDK"],
    ["a configuration that is a function", plugin, "default export", "it is a function"],
    ["a configuration that is not awaited", Promise.resolve({}), "default export", "a promise"],
  ])("names %s", (_what, config, path, words) => {
    const problems = findConfigProblems(config);

    expect(problems).toMatchObject([{ path, message: expect.stringContaining(words) }]);
  });

  it("names everything that is wrong at once", () => {
    const problems = findConfigProblems({ hook: {}, migrations: 1, plugins: [1] });

    expect(problems.map(({ path }) => path)).toEqual(["hook", "migrations", "plugins[0]"]);
  });
});
