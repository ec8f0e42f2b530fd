import { MillraceError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool, runCrew } from "../src/index.ts";
import type { ToolContext } from "../src/index.ts";
import { agent, crewOf, task } from "./crew-of.ts";
import { loadFixture } from "./load-fixture.ts";
import { scriptedRuntime } from "./scripted-runtime.ts";
import type { Line } from "./scripted-runtime.ts";

const lookup = (word: string): Line => ({ calls: [{ name: "lookup", input: { word } }] });

function failure(code: string): MillraceError {
  return new MillraceError({ code, kind: "invalid", message: `failed with ${code}` });
}

function play(lines: Readonly<Record<string, Line>>) {
  return (step: string) => lines[step] ?? new Error(`nothing is scripted for ${step}`);
}

describe("an agent's turns", () => {
  it("end at max_iter with an answer for which tools are shown and forbidden", async () => {
    const crew = crewOf({ agents: agent("writer", "tools: [lookup], max_iter: 2"), tasks: task("a") });
    const runtime = scriptedRuntime({
      script: (step) => (step.endsWith("turn/3") ? "All I know." : lookup(step)),
    });

    const result = await runCrew(crew, {}, runtime);

    const last = runtime.store.requests.get("task/a/turn/3")?.[0];
    expect(result.raw).toBe("All I know.");
    expect(last?.toolChoice).toBe("none");
    expect(last?.tools?.map((tool) => tool.name)).toEqual(["lookup"]);
    expect(last?.messages.at(-1)).toMatchObject({
      role: "user",
      text: expect.stringContaining("final answer"),
    });
  });

  it("begin anew after an empty answer, as often as max_retry_limit says", async () => {
    const crew = crewOf({ agents: agent("writer", "max_retry_limit: 1"), tasks: task("a") });
    const runtime = scriptedRuntime({ script: () => " " });

    await expect(runCrew(crew, {}, runtime)).rejects.toMatchObject({
      code: "crew_agent_failed",
      details: { cause: "crew_empty_answer" },
    });

    expect([...runtime.store.requests.keys()]).toEqual(["task/a/turn/1", "task/a/try/2/turn/1"]);
  });

  it("cost what a cut off answer used", async () => {
    const use = { model: "scripted", tokens: { input: 7, output: 3, cachedInput: null }, cost: 0.5 };
    const cutOff = new MillraceError({
      ...{ code: "model_output_truncated", kind: "internal", message: "cut off" },
      details: { use },
    });
    const crew = crewOf({ agents: agent("writer", "max_retry_limit: 1"), tasks: task("a") });
    const runtime = scriptedRuntime({ script: (step) => (step === "task/a/turn/1" ? cutOff : "Done.") });

    const result = await runCrew(crew, {}, runtime);

    expect(result.usage).toMatchObject({ model_calls: 2, input_tokens: 17, output_tokens: 8, cost: 0.501 });
    const turns = runtime.store.events.filter(({ type }) => type === "crew.agent_turn");
    expect(turns[0]?.data).toMatchObject({
      outcome: "failed",
      model: "scripted",
      input_tokens: 7,
      cost: 0.5,
    });
  });

  it("leave failures that pass to the queue", async () => {
    const busy = new MillraceError({
      code: "model_overloaded",
      kind: "unavailable",
      message: "busy",
      retryable: true,
    });
    const runtime = scriptedRuntime({ script: () => busy });

    await expect(runCrew(crewOf({ tasks: task("a") }), {}, runtime)).rejects.toBe(busy);

    expect(runtime.store.requests.size).toBe(1);
    expect(runtime.told.map((event) => event.type)).not.toContain("crew.task_failed");
  });

  it("go on with a summary when the model can't read all of it", async () => {
    const crew = crewOf({
      agents: agent("writer", "tools: [lookup]"),
      tasks: task("a") + task("b"),
    });
    const runtime = scriptedRuntime({
      script: (step) => {
        if (step === "task/b/turn/2") return failure("model_context_exceeded");
        if (step.includes("/summary/")) return `S${step.at(-1)}`;
        return step === "task/b/turn/1" ? lookup("tea") : "x".repeat(4000);
      },
    });

    await runCrew(crew, {}, runtime);

    const after = runtime.store.requests.get("task/b/turn/3")?.[0]?.messages;
    expect(after).toHaveLength(1);
    expect(after?.[0]).toMatchObject({
      text: expect.stringMatching(/Do the b[\s\S]*This is a summary of our conversation so far:\nS1\n\nS2/),
    });
  });

  it("keep in a second summary what the first one says", async () => {
    const crew = crewOf({ agents: agent("writer", "tools: [lookup]"), tasks: task("a") });
    const runtime = scriptedRuntime({
      script: (step) => {
        if (step.includes("turn/2/summary/")) return "The tea is green.";
        if (step.includes("/summary/")) return "All of it.";
        if (/turn\/[24]$/.test(step)) return failure("model_context_exceeded");
        return step.endsWith("turn/5") ? "Done." : lookup("tea");
      },
    });

    await runCrew(crew, {}, runtime);

    const asked = [...runtime.store.requests].filter(([step]) => step.includes("turn/4/summary/"));
    expect(JSON.stringify(asked.map(([, requests]) => requests[0]?.messages))).toContain("The tea is green.");
  });

  it("summarise in smaller parts when a part is too long as well, and give up in the end", async () => {
    const crew = crewOf({
      agents: agent("writer", "max_retry_limit: 0"),
      tasks: task("a") + task("b"),
    });
    const runtime = scriptedRuntime({
      script: (step) => (step.startsWith("task/a") ? "y ".repeat(3000) : failure("model_context_exceeded")),
    });

    await expect(runCrew(crew, {}, runtime)).rejects.toMatchObject({
      details: { cause: "model_context_exceeded" },
    });

    expect([...runtime.store.requests.keys()].filter((key) => key.includes("summary"))).toEqual([
      "task/b/turn/1/summary/2/1",
      "task/b/turn/1/summary/4/1",
      "task/b/turn/1/summary/8/1",
    ]);
  });

  it("summarise nothing with respect_context_window: false", async () => {
    const crew = crewOf({
      agents: agent("writer", "max_retry_limit: 0, respect_context_window: false"),
      tasks: task("a"),
    });
    const runtime = scriptedRuntime({ script: () => failure("model_context_exceeded") });

    await expect(runCrew(crew, {}, runtime)).rejects.toMatchObject({ code: "crew_agent_failed" });

    expect(runtime.store.requests.size).toBe(1);
  });

  it("ask the agent's model for at most so many tokens", async () => {
    const agents = agent("writer", "llm: openai/gpt-4o, max_tokens: 77");
    const runtime = scriptedRuntime({ script: () => "done" });

    await runCrew(crewOf({ agents, tasks: task("a") }), {}, runtime);

    expect(runtime.store.requests.get("task/a/turn/1")?.[0]).toMatchObject({
      model: "openai-compatible:gpt-4o",
      maxOutputTokens: 77,
    });
  });

  it("are counted with what they cost", async () => {
    const crew = crewOf({ agents: agent("writer", "tools: [lookup]"), tasks: task("a") });
    const runtime = scriptedRuntime({
      script: play({ "task/a/turn/1": lookup("tea"), "task/a/turn/2": "done" }),
    });

    const { usage } = await runCrew(crew, {}, runtime);

    expect(usage).toEqual({
      model_calls: 2,
      input_tokens: 20,
      output_tokens: 10,
      total_tokens: 30,
      tool_calls: 1,
      cost: 0.012,
    });
  });

  it("are counted with what their tools asked of models, also of a tool that failed, and by another attempt", async () => {
    const paid = defineTool({
      name: "paid",
      description: "Asks a model.",
      input: z.object({ fails: z.boolean() }),
      cost: 0.25,
      run: async ({ fails }, { noteUse }) => {
        noteUse({ model: "vectors", inputTokens: 7, outputTokens: 0, cost: 0.5 });
        if (fails) throw new Error("out of order");
        return "found";
      },
    });
    const crew = crewOf({
      agents: agent("writer", "tools: [paid]"),
      tasks: task("a"),
      registries: { tools: { paid } },
    });
    const calls = [true, false].map((fails) => ({ name: "paid", input: { fails } }));
    const script = play({ "task/a/turn/1": { calls }, "task/a/turn/2": "done" });
    const first = scriptedRuntime({ script });

    const { usage } = await runCrew(crew, {}, first);
    const again = await runCrew(crew, {}, scriptedRuntime({ script, store: first.store, maxNewSteps: 0 }));

    expect(usage).toEqual({
      model_calls: 4,
      input_tokens: 34,
      output_tokens: 10,
      total_tokens: 44,
      tool_calls: 2,
      cost: 1.502,
    });
    expect(again.usage).toEqual(usage);
    const told = first.store.events.filter(({ type }) => type === "crew.tool_called");
    const use = { model: "vectors", input_tokens: 7, output_tokens: 0, cost: 0.5 };
    expect(told.map(({ data }) => [data["outcome"], data["cost"], data["model_uses"]])).toEqual([
      ["failed", 0.75, [use]],
      ["done", 0.75, [use]],
    ]);
  });

  it("hand on text as it comes, with the turn that it belongs to", async () => {
    const pieces: unknown[] = [];
    const runtime = scriptedRuntime({
      script: (_, request) => {
        request.onText?.({ text: "do", reset: false });
        return "done";
      },
    });

    await runCrew(crewOf({ tasks: task("a") }), {}, { ...runtime, onText: (piece) => pieces.push(piece) });

    expect(pieces).toEqual([
      { task: "a", agent: "The writer", step: "task/a/turn/1", text: "do", reset: false },
    ]);
  });
});

describe("limits", () => {
  it("let only max_rpm turns begin in a minute", async () => {
    let now = 0;
    const pauses: number[] = [];
    const clock = { now: () => new Date(now), monotonicMs: () => now };
    const runtime = scriptedRuntime({
      clock,
      script: () => {
        now += 1000;
        return "done";
      },
      pause: async (durationMs) => {
        pauses.push(durationMs);
        now += durationMs;
      },
    });

    await runCrew(crewOf({ tasks: task("a") + task("b") + task("c"), crew: "max_rpm: 2" }), {}, runtime);

    expect(pauses).toEqual([58_000]);
  });

  it("count recorded turns too", async () => {
    const clock = { now: () => new Date(0), monotonicMs: () => 0 };
    const crew = crewOf({ agents: agent("writer", "max_rpm: 1"), tasks: task("a") + task("b") });
    const away = new Error("put off");
    const pause = async () => {
      throw away;
    };
    const first = scriptedRuntime({ clock, script: () => "done", pause });
    await expect(runCrew(crew, {}, first)).rejects.toBe(away);

    const second = scriptedRuntime({ clock, script: () => "done", pause, store: first.store });

    await expect(runCrew(crew, {}, second)).rejects.toBe(away);
  });

  it("end a task whose recorded turns took longer than max_execution_time", async () => {
    let now = 0;
    const clock = { now: () => new Date(now), monotonicMs: () => now };
    const crew = crewOf({
      agents: agent("writer", "max_execution_time: 10, tools: [lookup]"),
      tasks: task("a"),
    });
    const runtime = scriptedRuntime({
      clock,
      script: (step) => {
        now += 6000;
        return lookup(step);
      },
    });

    await expect(runCrew(crew, {}, runtime)).rejects.toMatchObject({ code: "crew_execution_time_exceeded" });

    expect(runtime.store.requests.size).toBe(2);
  });

  it("stop a turn that goes on after max_execution_time", async () => {
    const crew = crewOf({ agents: agent("writer", "max_execution_time: 0.02"), tasks: task("a") });
    const runtime = scriptedRuntime({
      script: async (_, request) =>
        new Promise((_resolve, reject) => {
          request.signal?.addEventListener("abort", () => reject(new Error("stopped")));
        }),
    });

    // The timer behind a signal's time limit does not keep a process alive.
    const alive = setInterval(() => undefined, 1000);
    await expect(runCrew(crew, {}, runtime)).rejects.toMatchObject({ code: "crew_execution_time_exceeded" });
    clearInterval(alive);
  });

  it("stop agents that hand work to each other without end", async () => {
    const agents =
      agent("writer", "allow_delegation: true, max_iter: 300") + agent("reader", "allow_delegation: true");
    const script = (step: string): Line =>
      step.includes("/tool/")
        ? "done"
        : {
            calls: [
              {
                name: "delegate_work_to_coworker",
                input: { task: "t", context: "c", coworker: "The reader" },
              },
            ],
          };

    const run = runCrew(crewOf({ agents, tasks: task("a") }), {}, scriptedRuntime({ script }));

    await expect(run).rejects.toMatchObject({ code: "crew_task_too_long" });
  });
});

describe("tools", () => {
  const seen: { input: unknown; context: ToolContext }[] = [];
  const spy = defineTool({
    name: "spy",
    description: "Sees who asks.",
    permissions: ["secrets:read"],
    input: z.object({ word: z.string(), owner: z.string().optional() }),
    maxOutputCharacters: 10,
    run: async (input, context) => {
      seen.push({ input, context });
      return { found: "a long answer" };
    },
  });
  const broken = defineTool({
    name: "broken",
    description: "Fails.",
    input: z.object({}),
    run: async () => {
      throw new Error("out of order");
    },
  });
  const toolCrew = (keys: string, crew?: string) =>
    crewOf({
      agents: agent("writer", `tools: [spy, broken], ${keys}`),
      tasks: task("a"),
      registries: { tools: { spy, broken } },
      ...(crew === undefined ? {} : { crew }),
    });
  const permissions = ["secrets:read"];
  const call = (name: string, input: unknown): Line => ({ calls: [{ name, input }] });
  const outputOf = (runtime: ReturnType<typeof scriptedRuntime>) =>
    runtime.store.requests.get("task/a/turn/2")?.[0]?.messages.at(-1);

  it("work for the job's owner, whatever the model says", async () => {
    const script = play({
      "task/a/turn/1": call("spy", { word: "x", owner: "somebody else" }),
      "task/a/turn/2": "done",
    });

    await runCrew(toolCrew(""), {}, scriptedRuntime({ script, permissions }));

    expect(seen.at(-1)?.context).toMatchObject({
      owner: "owner-1",
      job: "job-1",
      step: "task/a/turn/1/tool/1",
    });
  });

  it("give their output as marked data, cut at its limit", async () => {
    const script = play({ "task/a/turn/1": call("spy", { word: "x" }), "task/a/turn/2": "done" });
    const runtime = scriptedRuntime({ script, permissions });

    await runCrew(toolCrew(""), {}, runtime);

    expect(outputOf(runtime)).toMatchObject({
      results: [
        {
          name: "spy",
          output: expect.stringMatching(
            /^<data-([0-9a-f]{18})>\n\{"found":"\n\[cut here: 15 more characters\]\n<\/data-\1>$/,
          ),
        },
      ],
    });
  });

  it("that may not be used refuse the run before anything is spent", async () => {
    const runtime = scriptedRuntime({ script: () => "done" });

    await expect(runCrew(toolCrew(""), {}, runtime)).rejects.toMatchObject({
      code: "crew_tool_not_permitted",
      details: { tools: [{ tool: "spy", permission: "secrets:read" }] },
    });

    expect(runtime.store.records.size).toBe(0);
  });

  it.each([
    ["an unknown tool", call("spi", {}), 'There is no tool "spi". Yours are: spy, broken.'],
    ["a wrong input", call("spy", { word: 7 }), "word: "],
    ["a failing tool", call("broken", {}), "Failed: out of order"],
  ])("tell the model of %s", async (_, line, expected) => {
    const runtime = scriptedRuntime({
      script: play({ "task/a/turn/1": line, "task/a/turn/2": "done" }),
      permissions,
    });

    await runCrew(toolCrew(""), {}, runtime);

    expect(outputOf(runtime)).toMatchObject({
      results: [{ isError: true, output: expect.stringContaining(expected) }],
    });
  });

  it("mark why they failed as data: a server may have written it", async () => {
    const runtime = scriptedRuntime({
      script: play({ "task/a/turn/1": call("broken", {}), "task/a/turn/2": "done" }),
      permissions,
    });

    await runCrew(toolCrew(""), {}, runtime);

    expect(outputOf(runtime)).toMatchObject({
      results: [{ output: expect.stringMatching(/^<data-(\w{18})>\nFailed: out of order\n<\/data-\1>$/) }],
    });
  });

  it("that heed no signal are given up after their time", async () => {
    const slow = defineTool({
      name: "slow",
      description: "Never ends.",
      input: z.object({}),
      timeoutMs: 5,
      run: async () => new Promise(() => undefined),
    });
    const crew = crewOf({
      agents: agent("writer", "tools: [slow]"),
      tasks: task("a"),
      registries: { tools: { slow } },
    });
    const runtime = scriptedRuntime({
      script: play({ "task/a/turn/1": call("slow", {}), "task/a/turn/2": "done" }),
    });

    // The timer behind a signal's time limit does not keep a process alive.
    const alive = setInterval(() => undefined, 1000);
    await runCrew(crew, {}, runtime);
    clearInterval(alive);

    expect(outputOf(runtime)).toMatchObject({
      results: [{ isError: true, output: expect.stringContaining("Failed: it took longer than 0.005 s") }],
    });
  });

  it("are not begun when the run was stopped while the model wrote", async () => {
    const stopped = new AbortController();
    let calls = 0;
    const deaf = defineTool({
      name: "deaf",
      description: "Never ends.",
      input: z.object({}),
      run: async () => new Promise(() => (calls += 1)),
    });
    const crew = crewOf({
      agents: agent("writer", "tools: [deaf]"),
      tasks: task("a"),
      registries: { tools: { deaf } },
    });
    const runtime = scriptedRuntime({
      signal: stopped.signal,
      script: () => {
        stopped.abort(new Error("another task has failed"));
        return call("deaf", {});
      },
    });

    await expect(runCrew(crew, {}, runtime)).rejects.toThrow("another task has failed");

    expect(calls).toBe(0);
  });

  it("that fail end the task with tool_failure_policy: raise", async () => {
    const runtime = scriptedRuntime({ script: () => call("broken", {}), permissions });

    await expect(runCrew(toolCrew("tool_failure_policy: raise"), {}, runtime)).rejects.toMatchObject({
      code: "crew_tool_failed",
    });
  });

  it("warn people of failures unless they are to be ignored", async () => {
    const warned = async (policy: string) => {
      const runtime = scriptedRuntime({
        script: play({ "task/a/turn/1": call("broken", {}), "task/a/turn/2": "done" }),
        permissions,
      });
      await runCrew(toolCrew(`tool_failure_policy: ${policy}`), {}, runtime);
      return runtime.store.events.find((event) => event.type === "crew.tool_called")?.data["warns"];
    };

    expect([await warned("warn"), await warned("ignore")]).toEqual([true, false]);
  });

  it("are asked once for equal input when crew and agent keep results", async () => {
    const before = seen.length;
    const script = play({
      "task/a/turn/1": call("spy", { word: "x" }),
      "task/a/turn/2": call("spy", { word: "x" }),
      "task/a/turn/3": "done",
    });

    await runCrew(toolCrew("", "cache: true"), {}, scriptedRuntime({ script, permissions }));

    expect(seen.length - before).toBe(1);
  });

  it("of a task take the place of its agent's", async () => {
    const crew = crewOf({
      agents: agent("writer", "tools: [lookup]"),
      tasks: task("a", "agent: writer, tools: [calculator]"),
    });
    const runtime = scriptedRuntime({ script: () => "done" });

    await runCrew(crew, {}, runtime);

    expect(runtime.store.requests.get("task/a/turn/1")?.[0]?.tools?.map((tool) => tool.name)).toEqual([
      "calculator",
    ]);
  });
});

describe("delegation", () => {
  const handOver = (coworker: unknown, text: unknown = "Find facts"): Line => ({
    calls: [{ name: "delegate_work_to_coworker", input: { task: text, context: "About tea.", coworker } }],
  });

  it("in a hierarchical crew is the manager's only tool, for all coworkers or for the task's agent", async () => {
    const crew = await loadFixture("hierarchy");
    const runtime = scriptedRuntime({ script: () => "done" });

    await runCrew(crew, { topic: "tea" }, runtime);

    const described = (step: string) =>
      runtime.store.requests.get(step)?.[0]?.tools?.map((tool) => [tool.name, tool.description]);
    expect(described("task/report/turn/1")).toEqual([
      ["delegate_work_to_coworker", expect.stringContaining('Senior Writer, "Research" Analyst')],
      ["ask_question_to_coworker", expect.stringContaining('Senior Writer, "Research" Analyst')],
    ]);
    expect(described("task/poem/turn/1")?.[0]?.[1]).not.toContain("Research");
  });

  it("gives a coworker the work and its context, and the answer to whoever asked", async () => {
    const crew = await loadFixture("hierarchy");
    const runtime = scriptedRuntime({
      script: (step) => {
        if (step === "task/report/turn/1")
          return handOver({ role: "RESEARCH analyst" }, { description: "Find facts" });
        return step.includes("/tool/1/") ? "Tea is hot." : "done";
      },
    });

    await runCrew(crew, { topic: "tea" }, runtime);

    const request = runtime.store.requests.get("task/report/turn/1/tool/1/turn/1")?.[0];
    expect(request?.instructions).toContain('You are "Research" Analyst');
    expect(request?.messages[0]).toMatchObject({
      text: expect.stringMatching(/Current Task: Find facts[\s\S]*working with:\nAbout tea\./),
    });
    expect(runtime.store.requests.get("task/report/turn/2")?.[0]?.messages.at(-1)).toMatchObject({
      results: [{ output: "Tea is hot." }],
    });
    expect(runtime.store.events.find((event) => event.type === "crew.work_delegated")?.data).toMatchObject({
      agent: "Team Lead",
      coworker: '"Research" Analyst',
      kind: "task",
    });
  });

  it("to nobody known lists who there is", async () => {
    const crew = await loadFixture("hierarchy");
    const runtime = scriptedRuntime({
      script: (step) => (step === "task/report/turn/1" ? handOver("the intern") : "done"),
    });

    await runCrew(crew, { topic: "tea" }, runtime);

    expect(runtime.store.requests.get("task/report/turn/2")?.[0]?.messages.at(-1)).toMatchObject({
      results: [{ isError: true, output: expect.stringContaining("- Senior Writer") }],
    });
    // Who looks at a manager that never hands anything on sees why.
    expect(runtime.store.events).toContainEqual(
      expect.objectContaining({
        type: "crew.tool_called",
        data: expect.objectContaining({ tool: "delegate_work_to_coworker", outcome: "refused" }),
      }),
    );
  });

  it("goes on once more, and no deeper", async () => {
    const agents = agent("writer", "allow_delegation: true") + agent("reader", "allow_delegation: true");
    const runtime = scriptedRuntime({
      script: (step) => {
        if (step === "task/a/turn/1") return handOver("The reader");
        if (step === "task/a/turn/1/tool/1/turn/1") return handOver("The writer");
        // It was not shown the tool, and calls it all the same.
        return step === "task/a/turn/1/tool/1/turn/1/tool/1/turn/1" ? handOver("The reader") : "done";
      },
    });

    await runCrew(crewOf({ agents, tasks: task("a") }), {}, runtime);

    const deepest = runtime.store.requests.get("task/a/turn/1/tool/1/turn/1/tool/1/turn/1")?.[0];
    expect(deepest).toMatchObject({ instructions: expect.stringContaining("You are The writer") });
    expect(deepest?.tools).toBeUndefined();
    expect([...runtime.store.requests.keys()].some((step) => step.split("/tool/").length > 3)).toBe(false);
  });

  it("tells who asked when the coworker fails", async () => {
    const agents = agent("writer", "allow_delegation: true") + agent("reader", "max_retry_limit: 0");
    const runtime = scriptedRuntime({
      script: (step) => {
        if (step === "task/a/turn/1") return handOver("The reader");
        return step.includes("/tool/") ? "" : "done";
      },
    });

    const result = await runCrew(crewOf({ agents, tasks: task("a") }), {}, runtime);

    expect(result.raw).toBe("done");
    expect(runtime.store.requests.get("task/a/turn/2")?.[0]?.messages.at(-1)).toMatchObject({
      results: [{ isError: true, output: expect.stringContaining("could not do it") }],
    });
  });
});
