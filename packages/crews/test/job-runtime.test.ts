import { silentLogger } from "@millrace/kernel";
import type { Database } from "@millrace/database";
import { defineTask, findJobs, handleTask, Queue } from "@millrace/queue";
import type { QueueWorker } from "@millrace/queue";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { jobRuntime, runCrew } from "../src/index.ts";
import type { Crew } from "../src/index.ts";
import { agent, crewOf, task } from "./crew-of.ts";
import { scriptedRuntime } from "./scripted-runtime.ts";
import type { Script } from "./scripted-runtime.ts";

const crewTask = defineTask({
  name: "tests.run_crew",
  queue: "tests",
  input: z.object({}),
  output: z.unknown(),
});

let database: Database;
const open: QueueWorker[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
afterEach(async () => {
  for (const worker of open.splice(0)) await worker.stop();
});

/** A queue whose one task runs this crew, and what its model was asked. */
function createQueue(crew: Crew, script: Script) {
  const scripted = scriptedRuntime({ script });
  const { turn, emit, saveFile, permissions } = scripted;
  const handler = handleTask({
    task: crewTask,
    run: async (context) => runCrew(crew, {}, jobRuntime(context, { turn, emit, saveFile, permissions })),
  });
  return { queue: new Queue({ database, logger: silentLogger, handlers: [handler] }), store: scripted.store };
}

async function startWorker(queue: Queue): Promise<QueueWorker> {
  const worker = queue.createWorker({
    name: "w",
    concurrency: 2,
    leaseMs: 60_000,
    beatMs: 20_000,
    pollMs: 50,
    drainMs: 50,
  });
  open.push(worker);
  await worker.start();
  return worker;
}

async function eventsOf(jobId: string): Promise<string[]> {
  const found = await sql<{ type: string }>`
    SELECT type FROM event WHERE stream = ${`job:${jobId}`} AND type LIKE 'crew.%' ORDER BY seq`.execute(
    database.queryable,
  );
  return found.rows.map((row) => row.type);
}

const five = ["a", "b", "c", "d", "e"];
const fiveTasks = crewOf({
  agents: agent("writer", "tools: [lookup]"),
  tasks: five.map((name) => task(name)).join(""),
});

/** Each task looks something up and is done. */
const lookUpFirst: Script = (step) =>
  step.endsWith("/turn/1") ? { calls: [{ name: "lookup", input: { word: "x" } }] } : `${step} done`;

it("goes on in another worker where the first was stopped in the middle of a turn", async () => {
  const hung = Promise.withResolvers<void>();
  let isFirst = true;
  const { queue, store } = createQueue(fiveTasks, async (step, request) => {
    if (step === "task/c/turn/2" && isFirst) {
      isFirst = false;
      hung.resolve();
      await new Promise((_resolve, reject) => {
        request.signal?.addEventListener("abort", () => reject(new Error("stopped")));
      });
    }
    return lookUpFirst(step, request);
  });
  const { id } = await queue.add(crewTask, {});
  const first = await startWorker(queue);
  await hung.promise;
  await first.stop();

  await startWorker(queue);
  await queue.waitForEnd(id, { timeoutMs: 50_000 });

  const asked = [...store.requests].map(([step, requests]) => [step, requests.length]);
  expect(Object.fromEntries(asked)).toEqual(
    Object.fromEntries(
      five.flatMap((name) => [
        [`task/${name}/turn/1`, 1],
        [`task/${name}/turn/2`, name === "c" ? 2 : 1],
      ]),
    ),
  );
  expect(await queue.result(crewTask, id)).toMatchObject({
    raw: "task/e/turn/2 done",
    usage: { model_calls: 10, tool_calls: 5 },
  });
  expect(await eventsOf(id)).toEqual([
    "crew.started",
    ...five.flatMap(() => [
      "crew.task_started",
      "crew.agent_turn",
      "crew.tool_called",
      "crew.agent_turn",
      "crew.task_completed",
    ]),
    "crew.completed",
  ]);
});

it("says in the question why a guardrail refused what a person accepted", async () => {
  const crew = crewOf({ tasks: task("a", "agent: writer, human_input: true, guardrail: has_words") });
  const { queue } = createQueue(crew, (step) => (step === "task/a/turn/1" ? "short" : "one two"));
  const { id } = await queue.add(crewTask, {});
  await startWorker(queue);
  const asked = async () => (await findJobs(database.queryable, [id]))[0]?.waiting_for;
  await expect.poll(async () => (await asked())?.key).toBe("task/a/person/1");

  await queue.transaction((scope) =>
    queue.answer(scope, id, { key: "task/a/person/1", answer: "", by: "ann" }),
  );

  await expect.poll(async () => (await asked())?.key).toBe("task/a/round/2/person/1");
  expect((await asked())?.question).toMatch(/^A guardrail refused the output before this one: .*word/);
  await queue.transaction((scope) => queue.cancel(scope, id));
});

it("waits for a person as a job that holds no worker, and goes on with the answer", async () => {
  const crew = crewOf({ tasks: task("a", "agent: writer, human_input: true") });
  const { queue, store } = createQueue(crew, (step) => `${step} done`);
  const { id } = await queue.add(crewTask, {});
  await startWorker(queue);
  const answer = async (key: string, text: string) => {
    await expect.poll(async () => (await findJobs(database.queryable, [id]))[0]?.waiting_for?.key).toBe(key);
    await queue.transaction((scope) => queue.answer(scope, id, { key, answer: text, by: "ann" }));
  };

  await answer("task/a/person/1", "Longer, please.");
  await answer("task/a/person/2", "");
  await queue.waitForEnd(id, { timeoutMs: 50_000 });

  expect(await queue.result(crewTask, id)).toMatchObject({ raw: "task/a/person/1/turn/1 done" });
  expect([...store.requests.values()].every((requests) => requests.length === 1)).toBe(true);
});
