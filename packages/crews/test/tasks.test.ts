import { MillraceError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { runCrew } from "../src/index.ts";
import { agent, crewOf, task } from "./crew-of.ts";
import { scriptedRuntime } from "./scripted-runtime.ts";

/** Answers with the task's name. */
const echo = (step: string) => `${step.split("/")[1] ?? ""} done`;

function contextOf(runtime: ReturnType<typeof scriptedRuntime>, step: string): string {
  const message = runtime.store.requests.get(step)?.[0]?.messages[0];
  const text = message?.role === "user" ? message.text : "";
  return text.split("This is the context you're working with:\n")[1] ?? "";
}

describe("what a task is told", () => {
  it("is who its agent is, what to do and what is expected, word for word", async () => {
    const crew = crewOf({ tasks: task("report") });
    const runtime = scriptedRuntime({ script: echo });

    await runCrew(crew, {}, runtime);

    expect(runtime.store.requests.get("task/report/turn/1")?.[0]).toMatchObject({
      instructions: "You are The writer. You are a writer.\nYour personal goal is: Good work",
      messages: [
        {
          role: "user",
          text: "\nCurrent Task: Do the report.\n\nThis is the expected criteria for your final answer: The report.\nyou MUST return the actual complete content as the final answer, not a summary.",
        },
      ],
      origin: { owner: "owner-1", job: "job-1", step: "task/report/turn/1" },
      prompt: "crew.agent@1",
    });
  });

  it("is all that came before, only what it names, or nothing", async () => {
    const tasks =
      task("a") +
      task("b") +
      task("c") +
      task("d", "agent: writer, context: [a]") +
      task("e", "agent: writer, context: []");
    const runtime = scriptedRuntime({ script: echo });

    await runCrew(crewOf({ tasks }), {}, runtime);

    expect(contextOf(runtime, "task/c/turn/1")).toBe("a done\n\n----------\n\nb done");
    expect(contextOf(runtime, "task/d/turn/1")).toBe("a done");
    expect(contextOf(runtime, "task/e/turn/1")).toBe("");
  });

  it("is the last output that was waited for when it is async", async () => {
    const tasks =
      task("a") +
      task("b") +
      task("c", "agent: writer, async_execution: true") +
      task("d", "agent: writer, async_execution: true") +
      task("e");
    const runtime = scriptedRuntime({ script: echo });

    await runCrew(crewOf({ tasks }), {}, runtime);

    expect(contextOf(runtime, "task/d/turn/1")).toBe("b done");
    expect(contextOf(runtime, "task/e/turn/1")).toBe(
      ["a done", "b done", "c done", "d done"].join("\n\n----------\n\n"),
    );
  });

  it("is the date on which the run began, in the agent's format", async () => {
    const agents = agent("writer", 'inject_date: true, date_format: "%d %B %Y"');
    const clock = { now: () => new Date("2026-03-01T12:00:00Z"), monotonicMs: () => 0 };
    const runtime = scriptedRuntime({ script: echo, clock });

    await runCrew(crewOf({ agents, tasks: task("report") }), {}, runtime);

    const message = runtime.store.requests.get("task/report/turn/1")?.[0]?.messages[0];
    expect(message).toMatchObject({ text: expect.stringContaining("Current Date: 01 March 2026") });
  });

  it("is what triggered the run, in the first task and where it is asked for", async () => {
    const tasks = task("a") + task("b") + task("c", "agent: writer, allow_crewai_trigger_context: true");
    const runtime = scriptedRuntime({ script: echo });

    await runCrew(crewOf({ tasks }), { crewai_trigger_payload: { mail: 7 } }, runtime);

    const told = ["a", "b", "c"].map((name) =>
      JSON.stringify(runtime.store.requests.get(`task/${name}/turn/1`)).includes("Trigger Payload"),
    );
    expect(told).toEqual([true, false, true]);
  });

  it("stands in the agent's own templates, without instructions", async () => {
    const agents = agent(
      "writer",
      'system_template: "<s>{{ .System }}</s>", prompt_template: "<u>{{ .Prompt }}</u>", response_template: "<a>{{ .Response }}</a>"',
    );
    const runtime = scriptedRuntime({ script: echo });

    await runCrew(crewOf({ agents, tasks: task("report") }), {}, runtime);

    const request = runtime.store.requests.get("task/report/turn/1")?.[0];
    expect(request?.instructions).toBe("");
    expect(request?.messages[0]).toMatchObject({
      text: expect.stringMatching(/^<s>You are The writer[\s\S]*<\/s>\n<u>\nCurrent Task[\s\S]*<\/u>\n<a>$/),
    });
  });

  it("stands in one message when its agent has no system prompt", async () => {
    const runtime = scriptedRuntime({ script: echo });

    await runCrew(
      crewOf({ agents: agent("writer", "use_system_prompt: false"), tasks: task("a") }),
      {},
      runtime,
    );

    const request = runtime.store.requests.get("task/a/turn/1")?.[0];
    expect(request?.instructions).toBe("");
    expect(request?.messages[0]).toMatchObject({ text: expect.stringMatching(/^You are The writer/) });
  });

  it("asks for Markdown where the task says so", async () => {
    const runtime = scriptedRuntime({ script: echo });

    await runCrew(crewOf({ tasks: task("a", "agent: writer, markdown: true") }), {}, runtime);

    expect(JSON.stringify(runtime.store.requests.get("task/a/turn/1"))).toContain("in Markdown");
  });
});

describe("inputs", () => {
  const crew = crewOf({
    tasks: `a: { description: 'Do {topic} in {year}', expected_output: X, agent: writer }`,
  });

  it("are all named when they are missing", async () => {
    const run = runCrew(crew, { other: 1 }, scriptedRuntime({ script: echo }));

    await expect(run).rejects.toMatchObject({
      code: "crew_inputs_invalid",
      items: [{ pointer: "topic" }, { pointer: "year" }],
    });
  });

  it("are left alone when there are none at all", async () => {
    const { tasks_output: outputs } = await runCrew(crew, {}, scriptedRuntime({ script: echo }));

    expect(outputs[0]?.description).toBe("Do {topic} in {year}");
  });

  it("can come from a callback before the kickoff", async () => {
    const callbacks = { watch: () => undefined, add: () => ({ topic: "tea", year: 1 }) };
    const changed = crewOf({
      tasks: `a: { description: 'Do {topic} in {year}', expected_output: X, agent: writer }`,
      crew: "before_kickoff_callbacks: [add, watch]",
      registries: { callbacks },
    });

    const { tasks_output: outputs } = await runCrew(changed, {}, scriptedRuntime({ script: echo }));

    expect(outputs[0]?.description).toBe("Do tea in 1");
  });
});

describe("async tasks", () => {
  const tasks =
    task("a", "agent: writer, async_execution: true") +
    task("b", "agent: writer, async_execution: true") +
    task("c");

  it("are worked on at the same time", async () => {
    const begun: string[] = [];
    const both = Promise.withResolvers<void>();
    const script = async (step: string) => {
      begun.push(step);
      if (begun.length === 2) both.resolve();
      await both.promise;
      return echo(step);
    };

    await runCrew(crewOf({ tasks }), {}, scriptedRuntime({ script }));

    expect(begun).toEqual(["task/a/turn/1", "task/b/turn/1", "task/c/turn/1"]);
  });

  it("end the run with what one of them fails for, though another is only put off", async () => {
    const failed = new MillraceError({ code: "model_unauthorized", kind: "invalid", message: "no key" });
    const busy = new MillraceError({
      code: "model_busy",
      kind: "unavailable",
      message: "later",
      retryable: true,
    });
    const script = (step: string) => (step.startsWith("task/a") ? busy : failed);

    await expect(runCrew(crewOf({ tasks }), {}, scriptedRuntime({ script }))).rejects.toBe(failed);
  });

  it("are stopped and waited for when one of them fails for good", async () => {
    const failed = new MillraceError({ code: "model_unauthorized", kind: "invalid", message: "no key" });
    const begun = Promise.withResolvers<void>();
    let wasStopped = false;
    const script = async (step: string, request: { readonly signal?: AbortSignal }) => {
      if (step.startsWith("task/b")) {
        await begun.promise;
        return failed;
      }
      begun.resolve();
      await new Promise<void>((resolve) => request.signal?.addEventListener("abort", () => resolve()));
      wasStopped = true;
      return echo(step);
    };

    const run = runCrew(crewOf({ tasks }), {}, scriptedRuntime({ script }));

    await expect(run).rejects.toMatchObject({ code: "model_unauthorized" });
    expect(wasStopped).toBe(true);
  });

  it("go on when one of them only ends the attempt", async () => {
    const script = (step: string) => (step.startsWith("task/b") ? new Error("try later") : echo(step));
    const runtime = scriptedRuntime({ script });

    await expect(runCrew(crewOf({ tasks }), {}, runtime)).rejects.toThrow("try later");

    expect(runtime.store.records.has("task/a/done")).toBe(true);
  });
});

describe("outputs", () => {
  const asked = task("a", "agent: writer, output_pydantic: rating");

  it("of a schema are read from fences, and asked for again with what was wrong", async () => {
    const lines: Record<string, string> = {
      "task/a/turn/1": "Five stars!",
      "task/a/output/1": '```json\n{"stars": 5, "reason": "nice"}\n```',
    };
    const runtime = scriptedRuntime({ script: (step) => lines[step] ?? "" });

    const result = await runCrew(crewOf({ tasks: asked }), {}, runtime);

    expect(result.json).toEqual({ stars: 5, reason: "nice" });
    expect(runtime.store.requests.get("task/a/output/1")?.[0]?.messages.at(-1)).toMatchObject({
      text: expect.stringContaining("Your answer can't be used: the object: "),
    });
  });

  it("that never fit their schema fail the task", async () => {
    const runtime = scriptedRuntime({ script: () => '{"stars": 9}' });

    const run = runCrew(crewOf({ tasks: asked }), {}, runtime);

    await expect(run).rejects.toMatchObject({ code: "crew_output_invalid" });
    expect(runtime.store.requests.size).toBe(3);
    expect(runtime.told.at(-1)).toMatchObject({
      type: "crew.task_failed",
      data: { task: "a", error_code: "crew_output_invalid" },
    });
  });

  it("are written to a file whose name has its variables filled in", async () => {
    const tasks = task("a", 'agent: writer, output_file: "/out/{topic}.md"');
    const runtime = scriptedRuntime({ script: echo });

    await runCrew(crewOf({ tasks }), { topic: "tea" }, runtime);

    expect(runtime.store.files).toEqual([{ path: "out/tea.md", text: "a done", task: "a" }]);
  });

  it("never go into a file outside, whatever the inputs say", async () => {
    const tasks = task("a", 'agent: writer, output_file: "{topic}.md"');
    const runtime = scriptedRuntime({ script: echo });

    const run = runCrew(crewOf({ tasks }), { topic: "../../etc/passwd" }, runtime);

    await expect(run).rejects.toMatchObject({ code: "crew_output_file_invalid" });
    expect(runtime.store.requests.size).toBe(0);
  });

  it("are told to the callbacks of the task and of the crew, and the result to the last", async () => {
    const seen: string[] = [];
    const callbacks = {
      own: (occasion: { readonly kind: string }) => seen.push(`own ${occasion.kind}`),
      all: (occasion: { readonly kind: string }) => seen.push(`all ${occasion.kind}`),
      shout: (occasion: unknown) => (occasion as { raw: string }).raw.toUpperCase(),
    };
    const crew = crewOf({
      tasks: task("a", "agent: writer, callback: own"),
      crew: "{ task_callback: all, step_callback: all, after_kickoff_callbacks: [shout] }",
      registries: { callbacks },
    });

    const result = await runCrew(crew, {}, scriptedRuntime({ script: echo }));

    expect(seen).toEqual(["all step", "own task", "all task"]);
    expect(result.raw).toBe("A DONE");
  });

  it("skip a task whose condition is not met", async () => {
    const crew = crewOf({
      tasks: task("a") + task("b", "agent: writer, condition: never") + task("c"),
      registries: { conditions: { never: () => false } },
    });
    const runtime = scriptedRuntime({ script: echo });

    const result = await runCrew(crew, {}, runtime);

    expect(result.tasks_output.map((output) => output.skipped)).toEqual([false, true, false]);
    expect(contextOf(runtime, "task/c/turn/1")).toBe("a done");
    expect(runtime.store.events.map((event) => event.type)).toContain("crew.task_skipped");
  });
});

describe("guardrails", () => {
  it("tell the person who is asked again why", async () => {
    const crew = crewOf({ tasks: task("a", "agent: writer, human_input: true, guardrail: has_words") });
    const lines: Record<string, string> = { "task/a/turn/1": "short", "task/a/round/2/turn/1": "one two" };
    const runtime = scriptedRuntime({ script: (step) => lines[step] ?? echo(step) });

    await runCrew(crew, {}, runtime);

    expect(runtime.questions).toMatchObject([
      { output: "short", refusal: null },
      { output: "one two", refusal: expect.stringContaining("word") },
    ]);
  });

  it("have the task done again with what was wrong, and may change the output", async () => {
    const crew = crewOf({
      tasks: task("a", "agent: writer, guardrails: [has_words, trim]") + task("b"),
      registries: {
        guardrails: {
          has_words: (output) =>
            output.raw.includes(" ") ? { ok: true } : { ok: false, problem: "It needs more words." },
          trim: (output) => ({ ok: true, value: output.raw.slice(0, 3) }),
        },
      },
    });
    const lines: Record<string, string> = { "task/a/turn/1": "short", "task/a/round/2/turn/1": "one two" };
    const runtime = scriptedRuntime({ script: (step) => lines[step] ?? echo(step) });

    const result = await runCrew(crew, {}, runtime);

    expect(result.tasks_output[0]?.raw).toBe("one");
    expect(contextOf(runtime, "task/a/round/2/turn/1")).toContain(
      "### Previous attempt failed validation: It needs more words.\n\n### Previous result:\nshort",
    );
  });

  it("fail the task when they never pass", async () => {
    const crew = crewOf({
      tasks: task("a", "agent: writer, guardrail: has_words, guardrail_max_retries: 2"),
    });
    const runtime = scriptedRuntime({ script: () => "short" });

    await expect(runCrew(crew, {}, runtime)).rejects.toMatchObject({ code: "crew_guardrail_failed" });

    expect(runtime.store.requests.size).toBe(3);
  });

  it("of an agent hold for all of its tasks", async () => {
    const crew = crewOf({
      agents: agent("writer", "guardrail: has_words, guardrail_max_retries: 0"),
      tasks: task("a"),
    });

    const run = runCrew(crew, {}, scriptedRuntime({ script: () => "short" }));

    await expect(run).rejects.toMatchObject({ code: "crew_guardrail_failed" });
  });

  it("that are sentences are judged by the agent's model, with the output as data", async () => {
    const lines: Record<string, string> = {
      "task/a/guardrail/1/turn/1": "Looks fine to me",
      "task/a/guardrail/1/turn/2": '{"valid": true, "feedback": ""}',
    };
    const crew = crewOf({ tasks: task("a", "agent: writer, guardrail: It must be short.") });
    const runtime = scriptedRuntime({ script: (step) => lines[step] ?? echo(step) });

    await runCrew(crew, {}, runtime);

    expect(runtime.store.requests.get("task/a/guardrail/1/turn/1")?.[0]?.messages[0]).toMatchObject({
      text: expect.stringMatching(
        /Criteria:\nIt must be short\.\n\nResult of the task:\n<data-(\w{18})>\na done\n<\/data-\1>/,
      ),
    });
  });
});

describe("planning", () => {
  it("adds to each task what the planner says of it", async () => {
    const plan = '{"plans": [{"task": "b", "plan": "1. think"}]}';
    const runtime = scriptedRuntime({ script: (step) => (step.startsWith("crew/plan") ? plan : echo(step)) });
    const crew = crewOf({
      tasks: task("a") + task("b"),
      crew: "{ planning: true, planning_llm: openai/gpt-4o }",
    });

    const result = await runCrew(crew, {}, runtime);

    expect(runtime.store.requests.get("crew/plan/turn/1")?.[0]?.model).toBe("openai-compatible:gpt-4o");
    expect(runtime.store.requests.get("task/b/turn/1")?.[0]?.messages[0]).toMatchObject({
      text: expect.stringContaining("Do the b.\n\nPlan:\n1. think"),
    });
    expect(result.tasks_output[1]?.description).toBe("Do the b.");
  });

  it("fails the run when no plan can be had", async () => {
    const crew = crewOf({ tasks: task("a"), crew: "planning: true" });

    const run = runCrew(crew, {}, scriptedRuntime({ script: () => "no" }));

    await expect(run).rejects.toMatchObject({ code: "crew_plan_invalid" });
  });

  it("of an agent comes before its task, and again until it is ready", async () => {
    const lines: Record<string, string> = {
      "task/a/plan/1": "Guess. NOT READY: no facts",
      "task/a/plan/2": "Look, then write. READY",
    };
    const runtime = scriptedRuntime({ script: (step) => lines[step] ?? echo(step) });

    await runCrew(crewOf({ agents: agent("writer", "reasoning: true"), tasks: task("a") }), {}, runtime);

    expect([...runtime.store.requests.keys()]).toEqual(["task/a/plan/1", "task/a/plan/2", "task/a/turn/1"]);
    expect(runtime.store.requests.get("task/a/turn/1")?.[0]?.messages[0]).toMatchObject({
      text: expect.stringContaining("Plan:\nLook, then write. READY"),
    });
  });
});

describe("a person's judgement", () => {
  const crew = crewOf({ tasks: task("a", "agent: writer, human_input: true") });

  it("is asked for with the output, and ends the attempt while there is none", async () => {
    const parked = new Error("parked");
    const runtime = scriptedRuntime({
      script: echo,
      waitForPerson: async () => {
        throw parked;
      },
    });

    await expect(runCrew(crew, {}, runtime)).rejects.toBe(parked);

    expect(runtime.store.events.at(-1)).toMatchObject({
      type: "crew.person_asked",
      data: { task: "a", output: "a done", step: "task/a/person/1" },
    });
    expect(runtime.told.map((event) => event.type)).not.toContain("crew.task_failed");
  });

  it("goes back to the agent until it is content", async () => {
    const answers: Record<string, string> = { "task/a/person/1": "Longer", "task/a/person/2": "  " };
    const runtime = scriptedRuntime({ script: echo, waitForPerson: async (key) => answers[key] ?? "" });

    await runCrew(crew, {}, runtime);

    const messages = runtime.store.requests.get("task/a/person/1/turn/1")?.[0]?.messages;
    expect(messages?.at(-2)).toEqual({ role: "assistant", text: "a done" });
    expect(messages?.at(-1)).toMatchObject({ text: expect.stringContaining("Longer") });
  });
});
