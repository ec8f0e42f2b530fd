import { jobDetailSchema, jobSchema } from "@millrace/contracts";
import { startRedisServer, waitFor } from "@millrace/testing";
import type { RedisServer, RunningMillrace } from "@millrace/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Fleet } from "./fleet.ts";

/** Each computes the same value, in a process of its own kind, and says who computed it. */
const tasks = `import { defineTask, handleTask, z } from "millrace";

const parts = { input: z.object({}), output: z.object({ pid: z.number(), computed_by: z.number() }) };
export const options = { ttlMs: 600_000, tags: ["pids"], schema: z.number() };
const run = async ({ cache }) => ({
  pid: process.pid,
  computed_by: await cache.once("pid", options, async () => process.pid),
});

export const inWorker = handleTask({ task: defineTask({ name: "in_worker", ...parts }), run });
export const apart = handleTask({ task: defineTask({ name: "apart", isolation: {}, ...parts }), run });
export const fail = handleTask({
  task: defineTask({ name: "fail", retries: 0, input: z.object({}), output: z.null() }),
  run: async () => {
    throw new Error("on purpose");
  },
});
`;

const config = `import { defineConfig } from "millrace";
import { inWorker, options } from "./tasks/tasks.ts";

export default defineConfig({
  plugins: [
    async (app, { cache, queue }) => {
      app.get("/api/pid", async () => ({
        pid: process.pid,
        computed_by: await cache.once("pid", options, async () => process.pid),
      }));
      app.delete("/api/pid", async () => {
        await cache.deleteByTag("pids");
        return {};
      });
      app.post("/api/foreign", async () => await queue.add(inWorker.task, {}, { owner: "somebody else" }));
    },
  ],
});
`;

const answerSchema = z.object({ pid: z.number(), computed_by: z.number() });
const readySchema = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
  warnings: z.array(z.string()),
});

describe("an API process and a worker with Redis", () => {
  let redis: RedisServer;
  let client: Redis;
  let fleet: Fleet;
  let api: RunningMillrace;

  beforeAll(async () => {
    redis = await startRedisServer();
    client = new Redis(redis.url);
    client.on("error", () => undefined);
    fleet = await Fleet.open({ "tasks/tasks.ts": tasks, "millrace.config.ts": config });
    api = await fleet.start(["api"], { REDIS_URL: redis.url });
    await fleet.start(["worker"], { REDIS_URL: redis.url });
  });
  afterAll(async () => {
    await fleet?.close();
    client.disconnect();
    await redis.kill();
  });

  const get = (path: string, headers: Record<string, string> = {}) => fetch(api.url + path, { headers });
  const post = (path: string, body: unknown = {}) =>
    fetch(api.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  async function run(task: string) {
    const job = jobSchema.parse(await (await post(`/api/tasks/${task}/jobs`, { input: {} })).json());
    const answer = await get(`/api/jobs/${job.id}`, { prefer: "wait=30" });
    return jobDetailSchema.parse(await answer.json());
  }
  const ready = async () => {
    const answer = await get("/readyz");
    return { status: answer.status, ...readySchema.parse(await answer.json()) };
  };
  const copyOf = (id: string, state: string) =>
    waitFor(
      async () => {
        const [key = ""] = await client.keys(`millrace:*:job:${id}`);
        const copy = await client.hget(key, "job");
        return copy?.includes(`"state":"${state}"`) === true && copy;
      },
      { describe: `the copy of ${id} to be ${state}` },
    );

  it("computes one value for tasks, tasks in processes of their own, and routes", async () => {
    const inWorker = answerSchema.parse((await run("in_worker")).output);
    const apart = answerSchema.parse((await run("apart")).output);
    const inApi = answerSchema.parse(await (await get("/api/pid")).json());

    expect(new Set([inWorker.pid, apart.pid, inApi.pid]).size).toBe(3);
    expect([inWorker, apart, inApi].map((answer) => answer.computed_by)).toEqual(
      Array.from({ length: 3 }, () => inWorker.pid),
    );
    await fetch(`${api.url}/api/pid`, { method: "DELETE" });
    expect(answerSchema.parse(await (await get("/api/pid")).json()).computed_by).toBe(inApi.pid);
  });

  it("answers the same from the copy and from the database", async () => {
    const { id } = await run("in_worker");
    await copyOf(id, "succeeded");
    const read = async () => {
      const [job, result] = await Promise.all([get(`/api/jobs/${id}`), get(`/api/jobs/${id}/result`)]);
      return [job.status, await job.json(), result.status, await result.json()];
    };

    const fromCopy = await read();
    await client.flushall();
    const fromDatabase = await read();

    expect(fromCopy).toEqual(fromDatabase);
    expect(fromCopy[1]).toMatchObject({ id, state: "succeeded" });
    await copyOf(id, "succeeded");
  });

  it("keeps the error of a failed job, and shows what a retry makes of it at once", async () => {
    const { id } = await run("fail");
    expect(await copyOf(id, "failed")).toContain("on purpose");

    const retried = jobSchema.parse(await (await post(`/api/jobs/${id}/retry`)).json());
    const seen = jobDetailSchema.parse(await (await get(`/api/jobs/${id}`, { prefer: "wait=30" })).json());

    expect(retried.state).not.toBe("failed");
    expect(seen).toMatchObject({ state: "failed", attempt: 2 });
  });

  it("hides from others a job whose copy is there, as if there were none", async () => {
    const { id } = z.object({ id: z.string() }).parse(await (await post("/api/foreign")).json());
    await copyOf(id, "succeeded");

    for (const path of ["", "/result", "/input"]) {
      expect((await get(`/api/jobs/${id}${path}`)).status).toBe(404);
    }
  });

  it("goes on without Redis, says so in /readyz, and finds it again", async () => {
    expect(await ready()).toMatchObject({ status: 200, checks: { redis: { ok: true } }, warnings: [] });
    await redis.kill();

    await waitFor(async () => (await ready()).checks["redis"]?.ok === false, { describe: "the loss" });
    const without = await ready();
    expect(without).toMatchObject({ status: 200, ready: true });
    expect(without.warnings).toContainEqual(expect.stringContaining("Redis does not answer"));
    expect(await run("in_worker")).toMatchObject({ state: "succeeded" });
    expect((await get("/api/pid")).status).toBe(200);

    await redis.restart();
    await waitFor(async () => (await ready()).checks["redis"]?.ok, { describe: "Redis again" });
    const { id } = await run("in_worker");
    await copyOf(id, "succeeded");
  });
});
