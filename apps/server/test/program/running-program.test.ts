import { once } from "node:events";
import { createServer } from "node:http";
import { jobDetailSchema, jobSchema, pageSchema, taskSchema } from "@millrace/contracts";
import { startMillrace, waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { programFolder, taskFile } from "./program-folder.ts";
import type { ProgramFolder } from "./program-folder.ts";

const config = `import { defineConfig, sql } from "millrace";
import type { Plugin } from "millrace";
import { add } from "./tasks/add.ts";

const routes: Plugin<{ greeting: string }> = async (app, { database, queue, authenticate, greeting }) => {
  app.get("/api/notes", async (request) => {
    await authenticate(request);
    const notes = await sql\`SELECT text FROM note ORDER BY text\`.execute(database.queryable);
    return { greeting, notes: notes.rows };
  });
  app.post("/api/sums", async (request) => {
    const { workspaceId } = await authenticate(request);
    return await queue.call(add, { x: 20, y: 22 }, { owner: workspaceId, timeoutMs: 30_000 });
  });
};

export default defineConfig({
  migrations: "migrations",
  plugins: [{ plugin: routes, options: { greeting: "hello" } }],
  hooks: {
    "job.succeeded": async ({ job }) => void (await fetch(process.env.HOOK_URL + job.task, { method: "POST" })),
  },
});
`;

const add = `import { defineTask, handleTask, z } from "millrace";

export const add = defineTask({
  name: "add",
  description: "Adds two numbers",
  input: z.strictObject({ x: z.number(), y: z.number() }),
  output: z.number(),
  rateLimit: { limit: "600/m", burst: 50 },
});
export const handler = handleTask({ task: add, run: async ({ input }) => input.x + input.y });
`;

const note = `import { defineTask, handleTask, sql, z } from "millrace";

const task = defineTask({
  name: "notes.write_note",
  input: z.object({ text: z.string() }),
  output: z.object({ pid: z.number() }),
  isolation: {},
});
export const writeNote = handleTask({
  task,
  run: async ({ input, transaction }) => {
    await transaction(({ transaction: t }) => sql\`INSERT INTO note (text) VALUES (\${input.text})\`.execute(t));
    return { pid: process.pid };
  },
});
`;

describe("a program that runs with the product", () => {
  let folder: ProgramFolder;
  let server: RunningMillrace;
  const hooked: string[] = [];
  const listener = createServer((request, response) => {
    hooked.push(request.url ?? "");
    response.end();
  });

  beforeAll(async () => {
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    const port = typeof address === "object" ? address?.port : undefined;
    folder = await programFolder({
      "millrace.config.ts": config,
      "migrations/0001_note.sql": "CREATE TABLE note (text text PRIMARY KEY);",
      "tasks/add.ts": add,
      "tasks/note.ts": note,
      "tasks/fail.ts": taskFile("fail", `Promise.reject(new Error("on purpose"))`, "retries: 0,"),
    });
    server = await startMillrace({
      dataDirectory: folder.path,
      environment: { HOOK_URL: `http://127.0.0.1:${port}/` },
    });
  });
  afterAll(async () => {
    await server.stop();
    listener.close();
    await folder[Symbol.asyncDispose]();
  });

  async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(server.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    return { status: response.status, headers: response.headers, answer };
  }

  async function get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
    const response = await fetch(server.url + path);
    expect(response.status, path).toBe(200);
    return schema.parse(await response.json());
  }

  it("answers 202 at once, and the result is there later", async () => {
    const { status, headers, answer } = await post("/api/tasks/add/jobs", { input: { x: 2, y: 3 } });

    expect(status).toBe(202);
    const job = jobSchema.parse(answer);
    expect(headers.get("location")).toBe(`/api/jobs/${job.id}`);
    const ended = await waitFor(
      async () => {
        const current = await get(`/api/jobs/${job.id}`, jobDetailSchema);
        return current.state === "succeeded" ? current : undefined;
      },
      { describe: "the end of the job" },
    );
    expect(ended.output).toBe(5);
  });

  it("answers 200 with the end when asked to wait, with a slash at the end too", async () => {
    const { status, headers, answer } = await post(
      "/api/tasks/add/jobs/",
      { input: { x: 2, y: 40 }, options: { priority: 7, tags: ["sum"], meta: { of: "test" } } },
      { prefer: "wait=30" },
    );

    expect(status).toBe(200);
    expect(headers.get("preference-applied")).toBe("wait=30");
    expect(answer).toMatchObject({
      state: "succeeded",
      output: 42,
      priority: 7,
      tags: ["sum"],
      meta: { of: "test" },
    });
  });

  it("tells how a job failed to one who waits", async () => {
    const { status, answer } = await post(
      "/api/tasks/fail/jobs",
      { input: { x: 1, y: 1 } },
      { prefer: "wait=30" },
    );

    expect(status).toBe(200);
    expect(answer).toMatchObject({ state: "failed", error: { code: "internal_error" } });
  });

  it("starts a job later when told to", async () => {
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    const input = { x: 1, y: 1 };

    const delayed = await post("/api/tasks/add/jobs", { input, options: { delay_ms: 3_600_000 } });
    const timed = await post("/api/tasks/add/jobs", { input, options: { run_at: inAnHour } });

    expect(delayed.answer).toMatchObject({ state: "scheduled", reason: "delay" });
    expect(timed.answer).toMatchObject({ state: "scheduled", reason: "delay" });
  });

  it("gives the same job for the same idempotency key, and refuses it for another input", async () => {
    const path = "/api/tasks/add/jobs";
    const key = { "idempotency-key": "once-only" };
    const first = await post(path, { input: { x: 1, y: 2 } }, key);

    const again = await post(path, { input: { x: 1, y: 2 }, options: { idempotency_key: "once-only" } });
    const other = await post(path, { input: { x: 1, y: 3 } }, key);

    expect(jobSchema.parse(again.answer).id).toBe(jobSchema.parse(first.answer).id);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(other).toMatchObject({ status: 422, answer: { code: "idempotency_key_reused" } });
  });

  it.each<[string, object, { readonly status: number; readonly answer: object }]>([
    ["a task that there is not", { task: "ad" }, { status: 404, answer: { code: "task_not_found" } }],
    ["a version that there is not", { version: 9 }, { status: 404, answer: { code: "task_not_found" } }],
    [
      "a wrong field of the input",
      { input: { x: "1", y: 2 } },
      { status: 422, answer: { code: "invalid_job_input", errors: [{ pointer: "/input/x" }] } },
    ],
    [
      "a field too many in the input",
      { input: { x: 1, y: 2, z: 3 } },
      {
        status: 422,
        answer: { code: "invalid_job_input", errors: [{ pointer: "/input/z", code: "unknown_field" }] },
      },
    ],
    [
      "an option that there is not",
      { input: { x: 1, y: 2 }, options: { eta: 1 } },
      { status: 422, answer: { errors: [{ pointer: "/options/eta", code: "unknown_field" }] } },
    ],
    [
      "two times to start at",
      { input: { x: 1, y: 2 }, options: { delay_ms: 1, run_at: "2030-01-01T00:00:00Z" } },
      { status: 422, answer: { errors: [{ pointer: "/options/run_at" }] } },
    ],
    [
      "a priority of ten",
      { input: { x: 1, y: 2 }, options: { priority: 10 } },
      { status: 422, answer: { errors: [{ pointer: "/options/priority" }] } },
    ],
  ])("refuses %s", async (_what, request, answer) => {
    const { task, ...body } = { task: "add", ...request };

    expect(await post(`/api/tasks/${task}/jobs`, body)).toMatchObject(answer);
  });

  it("is told which task may have been meant", async () => {
    const { answer } = await post("/api/tasks/ad/jobs", {});

    expect(answer).toMatchObject({ detail: expect.stringContaining("Did you mean add?") });
  });

  it("is listed with its schemas and limits, beside the product's own", async () => {
    const { data } = await get("/api/tasks", pageSchema(taskSchema));

    expect(data.find(({ name }) => name === "documents.process_document")).toMatchObject({
      source: "product",
      queue: "documents",
    });
    const own = await get("/api/tasks?source=program", pageSchema(taskSchema));
    expect(own.data.map(({ name }) => name)).toEqual(["add", "fail", "notes.write_note"]);
    expect(await get("/api/tasks/add", taskSchema)).toMatchObject({
      description: "Adds two numbers",
      limits: { rate_limit: { limit: "10/s", burst: 50 }, concurrency: null },
      live_limits: [],
      input: { type: "object", required: ["x", "y"], additionalProperties: false },
      output: { type: "number" },
    });
  });

  it("has routes of its own behind the same guards, with the queue and its own tables", async () => {
    const written = await post(
      "/api/tasks/notes.write_note/jobs",
      { input: { text: "first" } },
      { prefer: "wait=30" },
    );
    expect(written.answer).toMatchObject({ state: "succeeded" });

    const notes = await get("/api/notes", z.unknown());
    const sum = await post("/api/sums", {});
    const foreign = await post("/api/sums", {}, { origin: "https://evil.example" });

    expect(notes).toEqual({ greeting: "hello", notes: [{ text: "first" }] });
    expect(sum.answer).toBe(42);
    expect(foreign).toMatchObject({ status: 403, answer: { code: "cross_origin_request" } });
  });

  it("runs an isolated task of its own in another process", async () => {
    const { answer } = await post(
      "/api/tasks/notes.write_note/jobs",
      { input: { text: "second" } },
      { prefer: "wait=30" },
    );

    const { output } = jobDetailSchema.parse(answer);
    expect(z.object({ pid: z.number() }).parse(output).pid).not.toBe(server.process.pid);
  });

  it("hears of its jobs by its hooks", async () => {
    await post("/api/tasks/add/jobs", { input: { x: 1, y: 1 } }, { prefer: "wait=30" });

    await waitFor(() => hooked.includes("/add"), { describe: "the hook" });
    expect(hooked).not.toContain("/fail");
  });
});
