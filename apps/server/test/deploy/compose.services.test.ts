import { once } from "node:events";
import {
  acceptedDocumentSchema,
  acceptedSummarySchema,
  documentSchema,
  isSettled,
  isSummaryOver,
  jobDetailSchema,
  jobSchema,
  summaryDetailSchema,
  workerListSchema,
} from "@millrace/contracts";
import { SocketClient } from "@millrace/live/testing";
import { waitFor } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { z } from "zod";
import { Deployment } from "./deployment.ts";
import type { RunningService } from "./deployment.ts";

/*
 * The services of deploy/compose.yaml that are ours, all at once, as processes on PostgreSQL, pgBouncer, Redis
 * and RabbitMQ. They run for the whole file; the last test stops them.
 */

const queues = ["default", "chat", "batch", "low_priority"];

/** A program with one task for each of them. */
const program = `
  import { defineTask, handleTask, z } from "millrace";
  export const handlers = ${JSON.stringify(queues)}.map((queue) => {
    const task = defineTask({ name: "add_on_" + queue, queue, input: z.strictObject({ x: z.number(), y: z.number() }), output: z.number() });
    return handleTask({ task, run: async ({ input }) => input.x + input.y });
  });
  export const [first, second, third, fourth] = handlers;
`;
const processes = { "api-1": 1, "api-2": 1, "worker-chat": 1, "worker-documents": 2, "worker-batch": 1 };

let deployment: Deployment;
let migrated: number | null = null;
const services = new Map<string, RunningService>();

beforeAll(async () => {
  deployment = await Deployment.open({ "tasks/add.ts": program });
  const migrate = deployment.start("migrate");
  await once(migrate.process, "exit");
  migrated = migrate.process.exitCode;
  for (const name of Object.keys(processes)) services.set(name, deployment.start(name));
  for (const [name, count] of Object.entries(processes)) await deployment.whenReady(service(name), count);
}, 300_000);
afterAll(async () => {
  await deployment.close();
});

const service = (name: string): RunningService => {
  const found = services.get(name);
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
};
const url = (name: string): string => service(name).urls()[0] ?? "";
const authorization = (): Record<string, string> => ({
  authorization: `Bearer ${deployment.secrets.MILLRACE_TOKEN}`,
});

async function post(name: string, path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const headers = { ...authorization(), "content-type": "application/json" };
  const response = await fetch(url(name) + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

async function get<Schema extends z.ZodType>(
  name: string,
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const response = await fetch(url(name) + path, { headers: authorization() });
  expect(response.status, path).toBe(200);
  return schema.parse(await response.json());
}

it("migrates, and then has every worker of its pools", async () => {
  const { data } = await get("api-1", "/api/workers", workerListSchema);

  expect(migrated).toBe(0);
  const seen = data.map(({ name, queues, concurrency }) => [
    name.split("@")[0],
    queues.join(","),
    concurrency,
  ]);
  const order = (row: readonly unknown[]): string => row.join();
  expect(seen.toSorted((left, right) => order(left).localeCompare(order(right)))).toEqual([
    ["batch", "batch,crews,low_priority", 8],
    ["chat", "chat", 50],
    ["documents", "documents,ocr,summaries,default", 4],
    ["documents", "documents,ocr,summaries,default", 4],
  ]);
});

it("a document that one API process accepts is done by its pool, told and read at the other", async () => {
  const accepted = await post("api-1", "/api/documents", { text: "The wheel turns day and night." });
  const { document } = acceptedDocumentSchema.parse(accepted.body);
  const socket = new SocketClient<{ type: string }>(
    `${url("api-2").replace("http", "ws")}/ws/documents/${document.id}/?since=0`,
    [],
    { headers: authorization() },
  );
  await socket.opened();
  const told: string[] = [];
  while (told.at(-1) !== "processing_complete") told.push((await socket.next(60_000)).type);
  await socket.close();

  const read = await waitFor(
    async () => {
      const found = await get("api-2", `/api/documents/${document.id}`, documentSchema);
      return isSettled(found.status) ? found : undefined;
    },
    { describe: "the end of the document", timeoutMs: 60_000 },
  );
  const job = await get("api-2", `/api/jobs/${document.job_id}`, jobDetailSchema);

  expect(accepted.status).toBe(202);
  expect(read.status).toBe("completed");
  expect(job.attempts.at(-1)?.worker).toMatch(/^documents@/);
});

it("a summary that one API process accepts is made by a pool, and read at the other", async () => {
  const accepted = await post("api-1", "/api/summaries", { text: "The miller sleeps. The wheel turns." });
  const { summary, job } = acceptedSummarySchema.parse(accepted.body);

  const made = await waitFor(
    async () => {
      const found = await get("api-2", `/api/summaries/${summary.id}`, summaryDetailSchema);
      return isSummaryOver(found.state) ? found : undefined;
    },
    { describe: "the end of the summary", timeoutMs: 60_000 },
  );
  const ended = await get("api-2", `/api/jobs/${job.id}`, jobDetailSchema);

  expect(accepted.status).toBe(202);
  expect(made.state).toBe("completed");
  expect(ended.attempts.at(-1)?.worker).toMatch(/^documents@/);
});

it.each([
  ["default", /^documents@/],
  ["chat", /^chat@/],
  ["batch", /^batch@/],
  ["low_priority", /^batch@/],
])("a task on the queue %s is done by the pool of that queue", async (queue, worker) => {
  const accepted = await post("api-1", `/api/tasks/add_on_${queue}/jobs`, { input: { x: 2, y: 3 } });
  const { id } = jobSchema.parse(accepted.body);

  const job = await waitFor(
    async () => {
      const found = await get("api-2", `/api/jobs/${id}`, jobDetailSchema);
      return found.finished_at === null ? undefined : found;
    },
    { describe: "the end of the job", timeoutMs: 60_000 },
  );

  expect(accepted.status).toBe(202);
  expect(job).toMatchObject({ state: "succeeded", output: 5 });
  expect(job.attempts.at(-1)?.worker).toMatch(worker);
});

it("hints go by RabbitMQ, and copies of jobs and live events by Redis", async () => {
  const response = await fetch(`${url("api-1")}/readyz`, { headers: authorization() });
  const checks = await response.text();

  expect(response.status).toBe(200);
  expect(checks).toMatch(/hints.*rabbitmq/i);
  expect(checks).toMatch(/told between them by redis/i);
});

it("every process is healthy by the image's own check", async () => {
  const urls = [...services.values()].flatMap((running) =>
    running.urls().map((found) => ({ running, found })),
  );

  const codes = await Promise.all(urls.map(({ running, found }) => running.healthCheck(found)));

  expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
});

it("lets nobody in without the key", async () => {
  const response = await fetch(`${url("api-1")}/api/jobs`);

  expect(response.status).toBe(401);
});

it("shows no secret in what it prints", () => {
  const printed = [...services.values()].map((running) => running.output()).join("\n");

  for (const secret of Object.values(deployment.secrets).filter((value) => !value.startsWith("http"))) {
    expect(printed).not.toContain(secret);
  }
});

it("every process ends in good order on the signal that Docker sends", async () => {
  const codes = await Promise.all([...services.values()].map((running) => running.stop()));

  expect(codes).toEqual([0, 0, 0, 0, 0]);
});
