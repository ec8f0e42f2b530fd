import {
  crewRunDetailSchema,
  crewRunSchema,
  crewSchema,
  modelCallSchema,
  pageSchema,
  usageSchema,
} from "@millrace/contracts";
import type { CrewRunDetail } from "@millrace/contracts";
import { startFakeModelServer } from "@millrace/testing";
import type { Behaviour, FakeModelServer, ModelCall } from "@millrace/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../cli/command.ts";
import { crewsProgram, fiveTasks } from "./crews-program.ts";
import { codeOf, Flow } from "./flow.ts";
import type { Ground, Reply } from "./flow.ts";

/** Crews of a working folder, run through the server by a model that looks things up before it answers. */
export function crewsSuite(ground: Ground): void {
  let flow: Flow;
  let models: FakeModelServer;
  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0 });
    flow = await Flow.start(
      ground,
      {
        CHAT_URL: models.url,
        CHAT_MODEL: "fake",
        // Each test wants the server to be asked.
        MODEL_CACHE_TTL_SECONDS: "0",
        WORKER_LEASE_SECONDS: "15",
        CREW_PERMISSIONS: "documents:raed",
      },
      crewsProgram,
    );
  });
  afterAll(async () => {
    await flow.stop();
    await models.stop();
  });
  beforeEach(() => models.setScript(lookUpFirst));

  const start = async (crew: string, inputs: object, headers = {}): Promise<CrewRunDetail["id"]> => {
    const reply = await flow.send("POST", `/api/crews/${crew}/runs`, { json: { inputs }, headers });
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    const { id } = crewRunSchema.parse(reply.body);
    expect(reply.headers.get("location")).toBe(`/api/crews/${crew}/runs/${id}`);
    return id;
  };
  const run = (id: string) => flow.get(`/api/crew-runs/${id}`, crewRunDetailSchema);
  const ended = (id: string, timeoutMs = 100_000) =>
    flow.until(
      () => run(id),
      ({ finished_at }) => finished_at !== null,
      timeoutMs,
    );
  const callsOf = (jobId: string): ModelCall[] => models.calls.filter(({ job }) => job === jobId);
  const eventsOf = async (id: string): Promise<StoredEvent[]> => {
    const { links } = await run(id);
    return readEvents(await flow.send("GET", `${links.events}?until=finished&since=0`));
  };

  describe(`crews, ${ground}`, { timeout: 240_000 }, () => {
    it("are listed with what they need, and with what is wrong where one can't be used", async () => {
      const { data } = await flow.get("/api/crews", pageSchema(crewSchema));

      expect(data.map(({ name }) => name)).toEqual(["asking", "broken", "five"]);
      const [asking, broken, five] = data;
      expect(asking?.tasks).toMatchObject([{ name: "draft", agent: "writer", human_input: true }]);
      expect(five).toMatchObject({
        inputs: [{ name: "topic", required: true }],
        agents: [{ name: "writer", tools: ["calculator", "shout"] }],
        error: null,
      });
      expect(broken?.error).toMatchObject({
        code: "invalid_crew",
        problems: [{ place: "crews/broken/agents.yaml:5: writer.tools" }],
      });
      expect(broken?.error?.problems[0]?.message).toContain("shout");
      expect(flow.server.output()).toContain("crews/broken/agents.yaml:5: writer.tools");
      expect(flow.server.output()).toContain("Did you mean documents:read?");
    });

    it("are listed at the command line with what has no effect, and where", async () => {
      const { code, stdout, stderr } = await runCommand(["crew", "ls"], {
        folder: flow.folder,
        environment: { MILLRACE_URL: flow.url },
      });

      expect(code).toBe(0);
      expect(stdout).toContain("asking");
      expect(stderr).toContain("millrace: crews/asking/agents.yaml:6: writer.allow_code_execution: ");
    });

    it("run task by task and tell what they do, use and cost", async () => {
      const id = await start("five", { topic: "tides" });

      const done = await ended(id);

      expect(done).toMatchObject({
        state: "succeeded",
        error: null,
        tasks_total: 5,
        tasks_done: 5,
        result: { raw: "task/e/turn/2 done", json: null },
        usage: { model_calls: 10, tool_calls: 5 },
        files: [{ path: "out/tides.md", task: "e" }],
      });
      expect(done.tasks.map(({ task, state, output }) => [task, state, output?.raw])).toEqual(
        fiveTasks.map((task) => [task, "done", `task/${task}/turn/2 done`]),
      );
      const file = await flow.send("GET", done.files[0]!.link);
      expect([file.status, file.body]).toEqual([200, "task/e/turn/2 done"]);
      expect(await flow.get(done.links.self, crewRunDetailSchema)).toEqual(done);
      const otherwise = await flow.send("GET", `/api/crews/asking/runs/${id}/events`);
      expect(otherwise.status).toBe(404);
      const events = await eventsOf(id);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      expect(recorded(events)).toEqual([
        "crew.started",
        ...fiveTasks.flatMap(() => [
          "crew.task_started",
          "crew.agent_turn",
          "crew.tool_called",
          "crew.agent_turn",
          "crew.task_completed",
        ]),
        "crew.completed",
      ]);
      expect(events.at(-1)?.type).toBe("crew_run.completed");
      expect(textOf(events, "task/a/turn/2")).toBe("task/a/turn/2 done");
    });

    it("go on at the first unfinished turn when the process is killed, and are charged as once", async () => {
      let isFirst = true;
      models.setScript((call) => {
        if (call.step !== "task/c/turn/2" || !isFirst) return lookUpFirst(call);
        isFirst = false;
        return { kind: "hold", barrier: "killed" };
      });
      const before = await flow.get("/api/usage", usageSchema);
      const id = await start("five", { topic: "floods" });
      const { job_id: jobId } = await run(id);
      await flow.until(
        () => Promise.resolve(callsOf(jobId)),
        (calls) => calls.some(({ step }) => step === "task/c/turn/2"),
      );

      await flow.server.kill9();
      models.release("killed");
      await flow.restart();

      const done = await ended(id, 150_000);
      expect(done).toMatchObject({ state: "succeeded", usage: { model_calls: 10, tool_calls: 5 } });
      expect(countBy(callsOf(jobId), ({ step }) => step)).toEqual(
        Object.fromEntries(
          fiveTasks.flatMap((task) => [
            [`task/${task}/turn/1`, 1],
            [`task/${task}/turn/2`, task === "c" ? 2 : 1],
          ]),
        ),
      );
      const { charged } = await flow.get("/api/usage", usageSchema);
      expect(charged.steps - before.charged.steps).toBe(10);
      const tokens = charged.input_tokens - before.charged.input_tokens;
      expect(done.usage.input_tokens).toBe(tokens);
      const events = await eventsOf(id);
      expect(recorded(events).filter((type) => type === "crew.agent_turn")).toHaveLength(10);
      expect(textOf(events, "task/c/turn/2")).toBe("task/c/turn/2 done");
    });

    it("pay for an answer that was cut off, and count it in what they used", async () => {
      models.setScript((call) =>
        call.step === "task/b/turn/2"
          ? { kind: "answer", content: "Half an", finishReason: "length" }
          : lookUpFirst(call),
      );
      const before = await flow.get("/api/usage", usageSchema);
      const id = await start("five", { topic: "harbours" });

      const done = await ended(id);

      const { job_id: jobId } = done;
      const calls = callsOf(jobId);
      expect(done.state).toBe("succeeded");
      expect(calls.length).toBeGreaterThan(10);
      const input = calls.reduce((sum, call) => sum + (call.usage?.prompt_tokens ?? 0), 0);
      const output = calls.reduce((sum, call) => sum + (call.usage?.completion_tokens ?? 0), 0);
      expect(done.usage).toMatchObject({
        model_calls: calls.length,
        input_tokens: input,
        output_tokens: output,
      });
      const { charged } = await flow.get("/api/usage", usageSchema);
      expect({
        steps: charged.steps - before.charged.steps,
        input: charged.input_tokens - before.charged.input_tokens,
        output: charged.output_tokens - before.charged.output_tokens,
      }).toEqual({ steps: calls.length, input, output });
    });

    it("wait for a person without holding a worker, and go on with the answer", async () => {
      const id = await start("asking", {});
      const answer = async (key: string, text: string): Promise<Reply> => {
        await flow.until(
          () => run(id),
          ({ waiting_for: asked }) => asked?.key === key,
        );
        return await flow.send("POST", `/api/crews/asking/runs/${id}/answer`, {
          json: { key, answer: text },
        });
      };

      const first = await answer("task/draft/person/1", "Longer, please.");
      const stale = await flow.send("POST", `/api/crews/asking/runs/${id}/answer`, {
        json: { key: "task/draft/person/1", answer: "Shorter, please." },
      });
      await flow.until(
        () => run(id),
        ({ waiting_for: asked }) => asked?.key === "task/draft/person/2",
      );
      const waiting = await run(id);
      const second = await answer("task/draft/person/2", "");

      expect([first.status, stale.status, second.status]).toEqual([202, 409, 202]);
      expect(codeOf(stale)).toBe("already_answered");
      expect(waiting).toMatchObject({
        state: "waiting",
        waiting_for: { task: "draft", output: "task/draft/person/1/turn/1 done" },
      });
      expect(await ended(id)).toMatchObject({ state: "succeeded", usage: { model_calls: 2 } });
    });

    it("stop when they are cancelled", async () => {
      models.setScript((call) => (call.step === "task/b/turn/1" ? { kind: "hang" } : lookUpFirst(call)));
      const id = await start("five", { topic: "storms" });
      const { job_id: jobId } = await run(id);
      await flow.until(
        () => Promise.resolve(callsOf(jobId)),
        (calls) => calls.some(({ step }) => step === "task/b/turn/1"),
      );

      const reply = await flow.send("POST", `/api/crews/five/runs/${id}/cancel`);

      expect(reply.status).toBe(202);
      const done = await ended(id);
      expect(done).toMatchObject({ state: "cancelled", result: null, tasks_done: 1 });
      expect((await eventsOf(id)).at(-1)?.type).toBe("crew_run.cancelled");
      expect(codeOf(await flow.send("POST", `/api/crews/five/runs/${id}/cancel`))).toBeUndefined();
    });

    it("begin again at a task, with what the tasks before it came to", async () => {
      models.setScript((call) =>
        call.step === "task/d/turn/1" ? { kind: "unauthorized" } : lookUpFirst(call),
      );
      const id = await start("five", { topic: "dykes" });
      const failed = await ended(id);
      expect(failed).toMatchObject({ state: "failed", tasks_done: 3 });
      models.setScript(lookUpFirst);

      const early = await flow.send("POST", `/api/crews/five/runs/${id}/replay`, {
        json: { from_task: "e" },
      });
      const unknown = await flow.send("POST", `/api/crews/five/runs/${id}/replay`, {
        json: { from_task: "x" },
      });
      const reply = await flow.send("POST", `/api/crews/five/runs/${id}/replay`, {
        json: { from_task: "d" },
      });

      expect([early.status, codeOf(early)]).toEqual([422, "crew_replay_output_missing"]);
      expect([unknown.status, codeOf(unknown)]).toEqual([422, "crew_task_unknown"]);
      expect(reply.status).toBe(202);
      const again = await ended(crewRunSchema.parse(reply.body).id);
      expect(again).toMatchObject({
        state: "succeeded",
        replay_of: id,
        replay_from: "d",
        inputs: { topic: "dykes" },
        tasks_done: 5,
        usage: { model_calls: 4 },
      });
    });

    it("are begun once for a key, and not at all with inputs that are missing", async () => {
      const headers = { "idempotency-key": `key-${ground}` };
      const id = await start("five", { topic: "once" }, headers);

      const again = await flow.send("POST", "/api/crews/five/runs", {
        json: { inputs: { topic: "once" } },
        headers,
      });
      const other = await flow.send("POST", "/api/crews/five/runs", {
        json: { inputs: { topic: "twice" } },
        headers,
      });
      const missing = await flow.send("POST", "/api/crews/five/runs", { json: {} });
      const nobody = await flow.send("POST", "/api/crews/fife/runs", { json: {} });

      expect([again.status, crewRunSchema.parse(again.body).id]).toEqual([202, id]);
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect([other.status, codeOf(other)]).toEqual([422, "idempotency_key_reused"]);
      expect([missing.status, codeOf(missing)]).toEqual([422, "crew_inputs_invalid"]);
      expect([nobody.status, codeOf(nobody)]).toEqual([404, "crew_not_found"]);
      expect((await ended(id)).state).toBe("succeeded");
    });

    it("answer at their end to a request that waits, and name every call with its step", async () => {
      const headers = { "idempotency-key": `waits-${ground}` };
      const id = await start("five", { topic: "waits" }, headers);
      const { job_id: jobId } = await ended(id);

      // The same request again, now that nothing is left to wait for on however busy a machine.
      const reply = await flow.send("POST", "/api/crews/five/runs", {
        json: { inputs: { topic: "waits" } },
        headers: { ...headers, prefer: "wait=30" },
      });

      expect(reply.status).toBe(200);
      expect(crewRunDetailSchema.parse(reply.body)).toMatchObject({ id, state: "succeeded" });
      const { data } = await flow.until(
        () => flow.get(`/api/usage/calls?job=${jobId}&limit=50`, pageSchema(modelCallSchema)),
        (page) => page.data.length === 10,
      );
      expect(new Set(data.map(({ step }) => step)).size).toBe(10);
    });
  });

  describe(`crews without a model, ${ground}`, { timeout: 240_000 }, () => {
    it("end saying that they need one and how to connect it", async () => {
      const alone = await Flow.start(ground, {}, crewsProgram);
      try {
        const reply = await alone.send("POST", "/api/crews/five/runs", {
          json: { inputs: { topic: "tides" } },
        });

        const { id } = crewRunSchema.parse(reply.body);
        const done = await alone.until(
          () => alone.get(`/api/crew-runs/${id}`, crewRunDetailSchema),
          ({ finished_at }) => finished_at !== null,
          100_000,
        );
        expect(done).toMatchObject({ state: "failed", error: { code: "model_required" } });
        expect(done.error?.message).toContain("CHAT_URL");
      } finally {
        await alone.stop();
      }
    });
  });
}

/** Calls the calculator in each first turn of a task, and answers with the name of the step. */
function lookUpFirst({ step = "" }: ModelCall): Behaviour {
  return /^task\/[a-e]\/turn\/1$/.test(step)
    ? { kind: "tool_calls", calls: [{ name: "calculator", input: { expression: "6 * 7" } }] }
    : { kind: "answer", content: `${step} done` };
}

type StoredEvent = { readonly seq: number; readonly type: string; readonly data: Record<string, unknown> };

function readEvents({ status, body }: Reply): StoredEvent[] {
  expect(status).toBe(200);
  return String(body)
    .split("\n\n")
    .flatMap((block) => {
      const seq = /^id: (\d+)$/m.exec(block)?.[1];
      const type = /^event: (.+)$/m.exec(block)?.[1];
      const data = /^data: (.+)$/m.exec(block)?.[1];
      if (seq === undefined || type === undefined || data === undefined || type === "snapshot") return [];
      return [{ seq: Number(seq), type, data: JSON.parse(data) as Record<string, unknown> }];
    });
}

/** Events that are told with a record: each once, whatever happened to the process. */
function recorded(events: readonly StoredEvent[]): string[] {
  return events
    .map(({ type }) => type)
    .filter(
      (type) => type.startsWith("crew.") && !/^crew\.(turn_started|tool_started|text_written)$/.test(type),
    );
}

/** What a page shows of a step in the end. */
function textOf(events: readonly StoredEvent[], step: string): string {
  let shown = "";
  for (const { type, data } of events) {
    const written = (data["data"] ?? data) as Record<string, unknown>;
    if (type !== "crew.text_written" || written["step"] !== step) continue;
    shown = written["reset"] === true ? String(written["text"]) : shown + String(written["text"]);
  }
  return shown;
}

function countBy<Item>(
  items: readonly Item[],
  key: (item: Item) => string | undefined,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item) ?? ""] = (counts[key(item) ?? ""] ?? 0) + 1;
  return counts;
}
