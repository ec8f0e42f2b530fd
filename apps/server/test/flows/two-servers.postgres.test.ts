import { jobSchema, queueSchema, workerListSchema } from "@millrace/contracts";
import { SocketClient } from "@millrace/live/testing";
import { startMillrace, waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Flow } from "./flow.ts";
import { toldTask } from "./told-task.ts";

type Frame = { readonly t: string; readonly topic?: string; readonly type?: string };

/** Two processes on one database, each with a worker of its own. */
let one: Flow;
let other: RunningMillrace;

beforeAll(async () => {
  one = await Flow.start("postgres", { WORKER_NAME: "first", WORKER_CONCURRENCY: "2" }, toldTask.files);
  const environment = { ...one.environment, WORKER_NAME: "second" };
  other = await startMillrace({ dataDirectory: one.folder, environment });
});
afterAll(async () => {
  await other.stop();
  await one.stop();
});

const add = async (end: string): Promise<string> => {
  const json = { input: { end } };
  const reply = await one.send("POST", `/api/tasks/${toldTask.name}/jobs`, { json });
  return jobSchema.parse(reply.body).id;
};
const post = (path: string): Promise<Response> => fetch(other.url + path, { method: "POST" });

it("a queue paused in one process is paused in all, at once, and goes on in all", async () => {
  const workers = await one.get("/api/workers", workerListSchema);
  expect(workers.data.map(({ name }) => name).toSorted()).toEqual(["first", "second"]);
  // Both have claimed from it: neither hears of the queue only now.
  for (const id of [await add("answer"), await add("answer"), await add("answer")]) {
    await one.until(
      () => one.job(id),
      ({ state }) => state === "succeeded",
    );
  }

  expect((await post("/api/queues/told/pause")).status).toBe(200);
  const held = await Promise.all(Array.from({ length: 20 }, () => add("answer")));
  const seen = await one.get("/api/queues/told", queueSchema);
  // Longer than both take to look for work unasked.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const whilePaused = await Promise.all(held.map((id) => one.job(id)));
  await post("/api/queues/told/resume");

  expect(seen.paused).toMatchObject({ by: "local" });
  expect(whilePaused.map(({ state, attempt }) => [state, attempt])).toEqual(held.map(() => ["queued", 0]));
  for (const id of held) {
    await one.until(
      () => one.job(id),
      ({ state }) => state === "succeeded",
    );
  }
});

it("who watches the monitor in one process is told of a change in the other", async () => {
  const socket = new SocketClient<Frame>(`${one.url.replace("http", "ws")}/api/ws`, ["millrace.v1"]);
  await socket.opened();
  expect(await socket.subscribe({ topic: "monitor" }, 30_000)).toMatchObject({ t: "snap" });

  await post("/api/queues/told/pause");

  const told = await waitFor(
    async () => ((await socket.next(30_000)).type === "queue.changed" ? true : undefined),
    { describe: "a notice of the monitor" },
  );
  expect(told).toBe(true);
  await socket.close();
  await post("/api/queues/told/resume");
});
