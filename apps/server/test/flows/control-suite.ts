import {
  bulkResultSchema,
  failureListSchema,
  jobDetailSchema,
  jobResultSchema,
  jobSchema,
  ownerWeightSchema,
  queueListSchema,
  queuePurgedSchema,
  queueSchema,
  taskLimitSettingsSchema,
  taskSchema,
  workerDetailSchema,
  workerListSchema,
  workflowSchema,
} from "@millrace/contracts";
import type { Job, JobState, Queue } from "@millrace/contracts";
import { SocketClient } from "@millrace/live/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";
import { toldTask } from "./told-task.ts";

/** The levers of a queue over HTTP: queues, workers, limits of tasks, many jobs at once. */
export function controlSuite(ground: Ground): void {
  let flow: Flow;
  beforeAll(async () => {
    flow = await Flow.start(ground, { WORKER_NAME: "mill", WORKER_CONCURRENCY: "4" }, toldTask.files);
  });
  afterAll(() => flow.stop());
  afterEach(async () => {
    await flow.send("POST", "/api/queues/told/resume");
    await flow.send("POST", "/api/jobs/cancel", { json: { filter: { task: toldTask.name } } });
    await flow.until(
      () => flow.get(`/api/jobs?task=${toldTask.name}&state=running,queued,scheduled`, listSchema),
      ({ data }) => data.length === 0,
    );
  });

  const listSchema = queueListSchema.pick({ has_more: true }).extend({ data: jobSchema.array() });
  const told = () => flow.get("/api/queues/told", queueSchema);
  const add = async (end: string, more: object = {}, options: object = {}): Promise<Job> => {
    const json = { input: { end, ...more }, options };
    const reply = await flow.send("POST", `/api/tasks/${toldTask.name}/jobs`, { json });
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    return jobSchema.parse(reply.body);
  };
  const addMany = (count: number, end: string): Promise<Job[]> =>
    Promise.all(Array.from({ length: count }, () => add(end)));
  const untilState = (id: string, state: JobState) =>
    flow.until(
      () => flow.job(id),
      (job) => job.state === state,
    );
  const pause = async (json: object = {}): Promise<Queue> => {
    const reply = await flow.send("POST", "/api/queues/told/pause", { json });
    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    return queueSchema.parse(reply.body);
  };

  describe(`queues over HTTP, ${ground}`, () => {
    it("pause for a reason and until a time, hold their jobs, and go on", async () => {
      const until = new Date(Date.now() + 3_600_000).toISOString();

      const paused = await pause({ reason: "too hot", until });
      const { id } = await add("answer");
      const waiting = await told();
      const resumed = await flow.send("POST", "/api/queues/told/resume");

      expect(paused.paused).toMatchObject({ by: "local", reason: "too hot", until });
      expect(waiting).toMatchObject({ running: 0, workers: 1, counts: { queued: 1 } });
      expect(waiting.oldest_wait_seconds).toBeGreaterThanOrEqual(0);
      expect(queueSchema.parse(resumed.body).paused).toBeNull();
      await untilState(id, "succeeded");
    });

    it("are all paused together by *, and listed with all of them together", async () => {
      const reply = await flow.send("POST", "/api/queues/*/pause");
      const list = await flow.get("/api/queues", queueListSchema);
      await flow.send("POST", "/api/queues/*/resume");

      expect(queueSchema.parse(reply.body)).toMatchObject({ name: "*", paused: { by: "local" } });
      expect(list.all.paused).not.toBeNull();
      expect(list.data.map(({ name }) => name)).toContain("told");
      expect(list.data.every(({ paused }) => paused === null)).toBe(true);
    });

    it("purge when the number is the expected one, and else tell the real one", async () => {
      await pause();
      await addMany(3, "answer");

      const wrong = await flow.send("POST", "/api/queues/told/purge", { json: { expected_count: 2 } });
      const right = await flow.send("POST", "/api/queues/told/purge", { json: { expected_count: 3 } });

      expect(wrong.status).toBe(409);
      expect(wrong.body).toMatchObject({ code: "purge_count_mismatch", count: 3 });
      expect(queuePurgedSchema.parse(right.body)).toEqual({ cancelled: 3, left: 0 });
    });

    it("say what a purge would cancel, and cancel nothing", async () => {
      await pause();
      await addMany(2, "answer");

      const json = { dry_run: true, task: toldTask.name };
      const ofTask = await flow.send("POST", "/api/queues/told/purge", { json });
      const ofOther = await flow.send("POST", "/api/queues/told/purge", { json: { ...json, task: "a.b" } });
      const { counts } = await told();

      expect(queuePurgedSchema.parse(ofTask.body)).toEqual({ cancelled: 0, left: 2 });
      expect(queuePurgedSchema.parse(ofOther.body)).toEqual({ cancelled: 0, left: 0 });
      expect(counts.queued).toBe(2);
    });

    it("limit how many of their jobs run at once", async () => {
      const set = await flow.send("PATCH", "/api/queues/told", { json: { max_running: 0 } });
      const { id } = await add("answer");
      const lifted = await flow.send("PATCH", "/api/queues/told", { json: { max_running: null } });

      expect(queueSchema.parse(set.body).max_running).toBe(0);
      expect(queueSchema.parse(lifted.body).max_running).toBeNull();
      await untilState(id, "succeeded");
    });

    it("refuse what can't be meant", async () => {
      const past = { until: "2020-01-01T00:00:00Z" };
      const cases: [string, string, object | undefined, number, string][] = [
        ["GET", "/api/queues/no_such", undefined, 404, "queue_not_found"],
        ["GET", "/api/queues/Not-A-Queue", undefined, 422, "invalid_queue_name"],
        ["POST", "/api/queues/Not-A-Queue/pause", {}, 422, "invalid_queue_name"],
        ["POST", "/api/queues/told/pause", past, 422, "pause_is_over"],
        ["POST", "/api/queues/told/pause", { why: "x" }, 422, "invalid_request"],
        ["POST", "/api/queues/told/purge", {}, 422, "invalid_request"],
        ["POST", "/api/queues/*/purge", { expected_count: 0 }, 422, "purge_needs_queue"],
        ["PATCH", "/api/queues/told", { max_running: -1 }, 422, "invalid_request"],
      ];
      for (const [method, path, json, status, code] of cases) {
        const reply = await flow.send(method, path, json === undefined ? {} : { json });
        expect([reply.status, codeOf(reply)], `${method} ${path}`).toEqual([status, code]);
      }
    });

    it("tell those who watch the monitor when they change", async () => {
      type Frame = {
        readonly t: string;
        readonly topic?: string;
        readonly type?: string;
        readonly data?: object;
      };
      const socket = new SocketClient<Frame>(`${flow.url.replace("http", "ws")}/api/ws`, ["millrace.v1"]);
      await socket.opened();
      expect(await socket.subscribe({ topic: "monitor" }, 30_000)).toMatchObject({ t: "snap" });

      await pause();
      const told = [await socket.next()];
      while (told.at(-1)?.type !== "queue.paused") told.push(await socket.next());
      await socket.close();

      expect(told.at(-1)).toMatchObject({ t: "ev", topic: "monitor", seq: null, data: { queue: "told" } });
    });
  });

  describe(`owners over HTTP, ${ground}`, () => {
    it("get a weight, and lose it", async () => {
      const path = "/api/owners/tenant%2F7/weight";
      const set = await flow.send("PUT", path, { json: { weight: 2 } });
      const seen = await flow.get(path, ownerWeightSchema);
      const forgotten = await flow.send("DELETE", path);

      expect(set.status).toBe(200);
      expect(seen).toEqual({ owner: "tenant/7", weight: 2 });
      expect(forgotten.status).toBe(204);
      expect(await flow.get(path, ownerWeightSchema)).toEqual({ owner: "tenant/7", weight: 1 });
      expect((await flow.send("PUT", path, { json: { weight: 0 } })).status).toBe(422);
    });
  });

  describe(`limits of tasks over HTTP, ${ground}`, () => {
    const path = `/api/tasks/${toldTask.name}/limits`;

    it("are set, shown with the task, and taken back one by one", async () => {
      const set = await flow.send("PATCH", path, { json: { rate_limit: "10/m", concurrency: 2 } });
      const shown = await flow.get(`/api/tasks/${toldTask.name}`, taskSchema);
      const changed = await flow.send("PATCH", path, { json: { rate_limit: "none" } });
      const back = await flow.send("PATCH", path, { json: { rate_limit: null, concurrency: null } });

      const none = { key_rate_limit: null, key_concurrency: null };
      expect(taskLimitSettingsSchema.parse(set.body)).toMatchObject({
        rate_limit: "10/m",
        concurrency: 2,
        ...none,
      });
      expect(shown.limits).toMatchObject({ rate_limit: { limit: "10/m" }, concurrency: 2 });
      expect(changed.body).toMatchObject({ rate_limit: "none", concurrency: 2 });
      expect(back.body).toMatchObject({ rate_limit: null, concurrency: null, ...none });
    });

    it("are refused for a task that nobody knows, unless they are only taken back", async () => {
      const nobodys = "/api/tasks/nope/limits";

      const set = await flow.send("PATCH", nobodys, { json: { rate_limit: "10/m" } });
      const back = await flow.send("PATCH", nobodys, { json: { rate_limit: null } });

      expect([set.status, codeOf(set), back.status]).toEqual([404, "task_not_found", 200]);
    });

    it("are refused when they can't be read", async () => {
      expect(codeOf(await flow.send("PATCH", path, { json: { rate_limit: "often" } }))).toBe(
        "invalid_rate_limit",
      );
      expect((await flow.send("PATCH", path, { json: { max: 1 } })).status).toBe(422);
    });
  });

  describe(`workers over HTTP, ${ground}`, () => {
    it("are listed, and shown by name with what they run", async () => {
      const { id } = await add("hold");
      await untilState(id, "running");

      const list = await flow.get("/api/workers", workerListSchema);
      const worker = await flow.get("/api/workers/mill", workerDetailSchema);

      expect(list.data).toMatchObject([
        { name: "mill", is_live: true, display_state: "running", concurrency: 4 },
      ]);
      expect(worker.queues).toContain("told");
      expect(worker.jobs).toMatchObject([{ id, state: "running" }]);
      expect((await flow.send("GET", "/api/workers/nobody")).status).toBe(404);
    });

    it("drain, go on, and change how many jobs they run at once", async () => {
      const drain = await flow.send("POST", "/api/workers/mill/drain");
      await flow.until(
        () => flow.get("/api/workers/mill", workerDetailSchema),
        ({ state }) => state === "draining",
      );
      const run = await flow.send("POST", "/api/workers/mill/run");
      const more = await flow.send("PATCH", "/api/workers/mill", { json: { concurrency: 6 } });
      const changed = await flow.until(
        () => flow.get("/api/workers/mill", workerDetailSchema),
        ({ state, concurrency }) => state === "running" && concurrency === 6,
      );

      expect([drain.status, run.status, more.status]).toEqual([202, 202, 202]);
      expect(workerListSchema.parse(drain.body).data).toMatchObject([
        { name: "mill", wanted_state: "draining" },
      ]);
      expect(changed.wanted_concurrency).toBe(6);
    });

    it("are forgotten only when they are gone", async () => {
      expect(codeOf(await flow.send("DELETE", "/api/workers/mill"))).toBe("worker_is_live");
      expect(codeOf(await flow.send("DELETE", "/api/workers/nobody"))).toBe("worker_not_found");
      expect(codeOf(await flow.send("POST", "/api/workers/nobody/drain"))).toBe("worker_not_found");
    });
  });

  describe(`many jobs over HTTP, ${ground}`, () => {
    it("that failed alike are one group, and are retried together with their history", async () => {
      const jobs = await addMany(3, "fail");
      for (const { id } of jobs) await untilState(id, "failed");

      const failures = await flow.get(`/api/jobs/failures?task=${toldTask.name}`, failureListSchema);
      const group = failures.data.find(({ error_message }) => error_message === "Sack … of … is empty");
      await pause();
      const filter = {
        task: group?.task,
        error_code: group?.error_code,
        error_message: group?.error_message,
      };
      const counted = await flow.send("POST", "/api/jobs/retry", { json: { filter, dry_run: true } });
      const wrong = await flow.send("POST", "/api/jobs/retry", { json: { filter, expected_count: 0 } });
      const reply = await flow.send("POST", "/api/jobs/retry", {
        json: { filter, expected_count: group?.count },
      });

      expect(counted).toMatchObject({
        status: 200,
        body: { matched: group?.count, changed: 0, left: group?.count },
      });
      expect(wrong).toMatchObject({ status: 409, body: { code: "job_count_mismatch", count: group?.count } });
      expect(bulkResultSchema.parse(reply.body)).toMatchObject({
        changed: group?.count,
        left: 0,
        errors: [],
      });
      expect(await flow.job(jobs[0]!.id)).toMatchObject({
        state: "queued",
        attempts: [{ outcome: "failed", error: { message: 'Sack 17 of "rye" is empty' } }],
      });
    });

    it("are cancelled by a tag, the running ones too", async () => {
      const running = await add("hold", {}, { tags: ["night"] });
      await untilState(running.id, "running");
      const later = await add("answer", {}, { tags: ["night"], delay_ms: 3_600_000 });
      const other = await add("answer", {}, { tags: ["day"], delay_ms: 3_600_000 });

      const reply = await flow.send("POST", "/api/jobs/cancel", { json: { filter: { tag: "night" } } });

      expect(reply.body).toMatchObject({ matched: 2, changed: 2, left: 0 });
      await untilState(running.id, "cancelled");
      expect((await flow.job(later.id)).state).toBe("cancelled");
      expect((await flow.job(other.id)).state).toBe("scheduled");
    });

    it("that are members of workflows take their workflows with them", async () => {
      const tags = ["harvest"];
      const flowOf = (end: string) => ({ task: toldTask.name, input: { end } });
      const body = {
        flow: { group: [flowOf("fail"), flowOf("fail"), flowOf("answer")], policy: "finish" },
        tags,
      };
      const started = await flow.send("POST", "/api/workflows", { json: body });
      expect(started.status, JSON.stringify(started.body)).toBe(202);
      const { id } = workflowSchema.parse(started.body);
      const untilWorkflow = (state: string) =>
        flow.until(
          () => flow.get(`/api/workflows/${id}`, workflowSchema),
          (workflow) => workflow.state === state,
        );
      await untilWorkflow("failed");
      const failed = await flow.get(`/api/jobs?task=${toldTask.name}&state=failed&limit=2`, listSchema);
      await pause();

      const filter = { ids: failed.data.map((job) => job.id) };
      const retried = await flow.send("POST", "/api/jobs/retry", { json: { filter } });
      const again = await untilWorkflow("running");
      const cancelled = await flow.send("POST", "/api/jobs/cancel", { json: { filter } });

      expect(retried.body).toMatchObject({ matched: 2, changed: 2, skipped: 0, errors: [] });
      expect(again.progress).toMatchObject({ total: 3, ended: 1 });
      expect(cancelled.body).toMatchObject({ matched: 2, changed: 2, skipped: 0, errors: [] });
      await flow.until(
        () => flow.get(`/api/workflows/${id}`, workflowSchema),
        ({ finished_at, progress }) => finished_at !== null && progress.ended === 3,
      );
    });

    it("need a filter that says something", async () => {
      for (const json of [{}, { filter: {} }, { filter: { colour: "red" } }, { filter: { state: "gone" } }]) {
        expect((await flow.send("POST", "/api/jobs/cancel", { json })).status).toBe(422);
      }
      const running = { filter: { state: "running" } };
      expect(codeOf(await flow.send("POST", "/api/jobs/retry", { json: running }))).toBe("states_not_fit");
    });

    it("are listed by several states, tag, worker, error and text", async () => {
      const failed = await add("fail", {}, { tags: ["harvest"] });
      const held = await add("hold", {}, { tags: ["harvest"] });
      await untilState(failed.id, "failed");
      await untilState(held.id, "running");
      const ids = async (query: string) =>
        (await flow.get(`/api/jobs?${query}`, listSchema)).data.map(({ id }) => id);

      expect(await ids("tag=harvest&state=failed,running")).toEqual([held.id, failed.id]);
      expect(await ids("tag=harvest&worker=mill&state=running")).toEqual([held.id]);
      expect(await ids("tag=harvest&worker=mill&state=failed")).toEqual([failed.id]);
      expect(await ids("tag=harvest&search=RYE")).toEqual([failed.id]);
      expect(await ids("tag=harvest&error_code=nothing")).toEqual([]);
      expect((await flow.send("GET", "/api/jobs?state=failed,odd")).status).toBe(422);
    });
  });

  describe(`one job over HTTP, ${ground}`, () => {
    it("is taken from its worker by force, and comes back in line", async () => {
      const { id } = await add("hold");
      await untilState(id, "running");
      await pause();

      const reply = await flow.send("POST", `/api/jobs/${id}/force-release`);

      expect(reply.status).toBe(202);
      expect(await flow.job(id)).toMatchObject({ state: "queued", attempts: [{ outcome: "handed_back" }] });
      expect(codeOf(await flow.send("POST", `/api/jobs/${id}/force-release`))).toBe("job_not_running");
    });

    it("shows what it asks, and goes on with the answer", async () => {
      const { id } = await add("ask");
      await untilState(id, "waiting");
      const answer = (json: unknown) => flow.send("POST", `/api/jobs/${id}/answer`, { json });
      const listed = await flow.get(`/api/jobs?state=waiting&task=${toldTask.name}`, listSchema);
      expect(listed.data).toMatchObject([
        {
          id,
          waiting_for: { key: "word", question: "Which word?", schema: { type: "string", minLength: 3 } },
        },
      ]);

      expect(await answer({ key: "word", answer: "no" })).toMatchObject({
        status: 422,
        body: { code: "invalid_answer", errors: [{ pointer: "/answer" }] },
      });
      expect(await answer({ key: "word" })).toMatchObject({ status: 422 });
      expect(await answer({ key: "word", answer: "well", more: 1 })).toMatchObject({ status: 422 });
      expect(codeOf(await answer({ key: "other", answer: "well" }))).toBe("waits_for_another");
      const reply = await answer({ key: "word", answer: "well" });
      expect(reply).toMatchObject({ status: 202, body: { id, waiting_for: null } });
      expect(reply.headers.get("location")).toBe(`/api/jobs/${id}`);

      await untilState(id, "succeeded");
      expect((await answer({ key: "word", answer: "well" })).status).toBe(202);
      expect(await answer({ key: "word", answer: "ill" })).toMatchObject({
        status: 409,
        body: { code: "already_answered" },
      });
      expect(await flow.job(id)).toMatchObject({ output: { text: "well" } });
    });

    it("shows its input and result without secrets, and large ones by themselves", async () => {
      const text = "flour ".repeat(20_000);
      const { id } = await add("answer", { secret: "open sesame", text });
      await untilState(id, "succeeded");

      const seen = await flow.get(`/api/jobs/${id}`, jobDetailSchema);
      const input = await flow.send("GET", `/api/jobs/${id}/input`);
      const result = await flow.get(`/api/jobs/${id}/result`, jobResultSchema);

      expect(seen).toMatchObject({ input: null, output: null, omitted: ["input", "output"] });
      expect(input.body).toEqual({ id, input: { end: "answer", secret: "[redacted]", text } });
      expect(result).toMatchObject({ state: "succeeded", output: { text }, error: null });
    });

    it("is asked for its result before it has one", async () => {
      const { id } = await add("hold");

      const reply = await flow.send("GET", `/api/jobs/${id}/result`, { headers: { prefer: "wait=1" } });

      expect(reply.status).toBe(202);
      expect(reply.headers.get("retry-after")).toBe("1");
      expect(jobResultSchema.parse(reply.body)).toMatchObject({ output: null, finished_at: null });
    });
  });
}
