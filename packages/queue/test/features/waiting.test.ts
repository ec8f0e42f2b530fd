import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, findQueueProblems, handleTask, step, chain, toJob } from "../../src/index.ts";
import type { JobContext, JobRecord, Queue } from "../../src/index.ts";
import type { WaitOptions } from "../../src/waiting/question.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.ask_somebody",
  queue: "tests",
  input: z.object({ password: z.string().optional() }),
  output: z.unknown(),
  retries: 0,
  redact: ["password"],
});
const next = defineTask({ name: "tests.go_on", queue: "tests", input: z.object({}), output: z.null() });

type Context = JobContext<z.infer<typeof task.input>>;

const choice = z.enum(["publish", "discard"]);
const question = "May this be published?";

describe.each(testDatabases())("a job that waits for an answer on $name", (kind) => {
  const opened = useQueue(kind);

  const createQueue = (run: (context: Context) => Promise<unknown>): Queue =>
    opened.createQueue([
      handleTask({ task, run }),
      handleTask({ task: next, run: () => Promise.resolve(null) }),
    ]);

  const asking = (): Queue => createQueue(({ waitFor }) => waitFor("approve", { question, schema: choice }));

  const untilState = async (id: string, state: string): Promise<JobRecord> => {
    await expect.poll(async () => (await opened.find(id)).state).toBe(state);
    return await opened.find(id);
  };

  const startAndWait = async (queue: Queue, input = {}): Promise<JobRecord> => {
    await opened.startWorker(queue);
    const { id } = await queue.add(task, input);
    return await untilState(id, "waiting");
  };

  const answer = (queue: Queue, id: string, value: unknown, key = "approve"): Promise<void> =>
    queue.transaction((scope) => queue.answer(scope, id, { key, answer: value, by: "ann" }));

  const passTime = (id: string): Promise<unknown> =>
    sql`UPDATE job SET expires_at = now() - interval '1 second' WHERE id = ${id}`.execute(
      opened.database.queryable,
    );

  it("shows what it asks, since when and until when", async () => {
    const job = await startAndWait(asking());

    expect(toJob(job).waiting_for).toMatchObject({
      key: "approve",
      question,
      schema: { type: "string", enum: ["publish", "discard"] },
      problem: null,
      since: expect.stringMatching(/Z$/),
      expires_at: expect.stringMatching(/Z$/),
    });
  });

  it("ends its attempt without counting it, and frees the slot", async () => {
    const queue = asking();
    await opened.startWorker(queue, { concurrency: 1 });
    const { id } = await queue.add(task, {});
    await untilState(id, "waiting");

    const other = await queue.call(next, {}, { timeoutMs: 10_000 });

    expect(other).toBeNull();
    expect(await opened.find(id)).toMatchObject({ state: "waiting", attempt: 0 });
    expect((await queue.readDetail(id)).attempts).toMatchObject([{ outcome: "snoozed" }]);
  });

  it("goes on with the answer in its next attempt", async () => {
    const queue = asking();
    const { id } = await startAndWait(queue);

    await answer(queue, id, "publish");

    await queue.waitForEnd(id, { timeoutMs: 10_000 });
    expect(await opened.find(id)).toMatchObject({ state: "succeeded", attempt: 1, waiting_for: null });
    expect(await queue.result(task, id)).toBe("publish");
  });

  it("gives the recorded answer in every later attempt", async () => {
    const queue = createQueue(async (context) => {
      const given = await context.waitFor("approve", { question, schema: choice });
      let isFirst = false;
      await context.step("once", async () => void (isFirst = true));
      if (isFirst) throw new Error("after the answer");
      return given;
    });
    const { id } = await startAndWait(queue);
    await answer(queue, id, "discard");
    await untilState(id, "failed");

    await queue.transaction((scope) => queue.retry(scope, id));

    await untilState(id, "succeeded");
    expect(await queue.result(task, id)).toBe("discard");
  });

  it("fails rather than ask under the key of a step that is done, whose value it would lose", async () => {
    const queue = createQueue(async (context) => {
      await context.step("approve", () => Promise.resolve("done once"));
      return await context.waitFor("approve", { question });
    });
    await opened.startWorker(queue);
    const { id } = await queue.add(task, {});

    await queue.waitForEnd(id, { timeoutMs: 10_000 });

    expect(await opened.find(id)).toMatchObject({ state: "failed", error_code: "invalid_question" });
  });

  it("waits for one answer after the other", async () => {
    const queue = createQueue(async ({ waitFor }) => [
      await waitFor("first", { question: "One?" }),
      await waitFor("second", { question: "Two?" }),
    ]);
    const { id } = await startAndWait(queue);
    await answer(queue, id, 1, "first");
    await expect.poll(async () => (await opened.find(id)).waiting_for?.key).toBe("second");

    await answer(queue, id, null, "second");

    await untilState(id, "succeeded");
    expect(await queue.result(task, id)).toEqual([1, null]);
  });

  it("takes the same answer twice, and refuses another", async () => {
    const queue = asking();
    const { id } = await startAndWait(queue);
    await answer(queue, id, "publish");

    await answer(queue, id, "publish");

    await expect(answer(queue, id, "discard")).rejects.toMatchObject({ code: "already_answered" });
    await untilState(id, "succeeded");
  });

  it.each([
    ["does not fit the schema", "maybe", "approve", "invalid_answer"],
    ["is for another question", "publish", "other", "waits_for_another"],
    ["is too large", "x".repeat(70_000), "approve", "answer_too_large"],
  ])("goes on waiting when an answer %s", async (_why, value, key, code) => {
    const queue = asking();
    const { id } = await startAndWait(queue);

    await expect(answer(queue, id, value, key)).rejects.toMatchObject({ code });

    expect(await opened.find(id)).toMatchObject({ state: "waiting", waiting_for: { key: "approve" } });
  });

  it("is not answered while it does not wait", async () => {
    const queue = asking();
    const { id } = await queue.add(task, {});

    await expect(answer(queue, id, "publish")).rejects.toMatchObject({ code: "job_not_waiting" });
    await expect(answer(queue, crypto.randomUUID(), "publish")).rejects.toMatchObject({
      code: "job_not_found",
    });
  });

  it("asks again, and says why, when the schema itself refuses the answer", async () => {
    const even = z.int().refine((count) => count % 2 === 0, "must be even");
    const queue = createQueue(({ waitFor }) => waitFor("approve", { question, schema: even }));
    const { id } = await startAndWait(queue);
    await answer(queue, id, 3);
    await expect.poll(async () => (await opened.find(id)).waiting_for?.problem).toContain("must be even");

    await answer(queue, id, 4);

    await untilState(id, "succeeded");
    expect(await queue.result(task, id)).toBe(4);
  });

  it("expires when nobody answers in time, and asks again when somebody retries it", async () => {
    const queue = asking();
    const { id } = await startAndWait(queue);
    await passTime(id);
    await untilState(id, "expired");
    await expect(answer(queue, id, "publish")).rejects.toMatchObject({ code: "answer_too_late" });

    await queue.transaction((scope) => queue.retry(scope, id));

    await untilState(id, "waiting");
    await answer(queue, id, "publish");
    await untilState(id, "succeeded");
  });

  it("refuses an answer that comes too late, before the upkeep has seen it", async () => {
    const queue = asking();
    const { id } = await startAndWait(queue);
    await opened.stopWorkers();
    await passTime(id);

    await expect(answer(queue, id, "publish")).rejects.toMatchObject({ code: "answer_too_late" });
  });

  it("goes on with the answer that its question names for that", async () => {
    const queue = createQueue(({ waitFor }) =>
      waitFor("approve", { question, schema: choice, answerAtExpiry: "discard" }),
    );
    const { id } = await startAndWait(queue);

    await passTime(id);

    await untilState(id, "succeeded");
    expect(await queue.result(task, id)).toBe("discard");
  });

  it("is cancelled at once", async () => {
    const queue = asking();
    const { id } = await startAndWait(queue);

    await queue.transaction((scope) => queue.cancel(scope, id));

    expect(await opened.find(id)).toMatchObject({ state: "cancelled", waiting_for: null });
    await expect(answer(queue, id, "publish")).rejects.toMatchObject({ code: "job_not_waiting" });
  });

  it("is cancelled and does not wait when its cancel was asked for meanwhile", async () => {
    const started = Promise.withResolvers<void>();
    const cancelled = Promise.withResolvers<void>();
    const queue = createQueue(async ({ waitFor }) => {
      started.resolve();
      await cancelled.promise;
      return await waitFor("approve", { question });
    });
    await opened.startWorker(queue);
    const { id } = await queue.add(task, {});
    await started.promise;

    await queue.transaction((scope) => queue.cancel(scope, id));
    cancelled.resolve();

    expect(await untilState(id, "cancelled")).toMatchObject({ waiting_for: null });
  });

  it("holds its workflow open, which goes on with the answer", async () => {
    const queue = asking();
    await opened.startWorker(queue);
    const { id: workflow } = await queue.workflows.start(chain(step(task, {}), step(next, {})));
    const members = await sql<{ id: string }>`
      SELECT id FROM job WHERE workflow_id = ${workflow} AND task = ${task.name}`.execute(
      opened.database.queryable,
    );
    const id = members.rows[0]?.id ?? "";
    await untilState(id, "waiting");
    expect(await queue.workflows.get(workflow)).toMatchObject({ state: "running" });

    await answer(queue, id, "publish");

    await expect.poll(async () => (await queue.workflows.get(workflow)).state).toBe("succeeded");
  });

  it("fails its workflow when it expires", async () => {
    const queue = asking();
    await opened.startWorker(queue);
    const { id: workflow } = await queue.workflows.start(chain(step(task, {}), step(next, {})));
    const found = (): Promise<{ rows: { id: string }[] }> =>
      sql<{ id: string }>`SELECT id FROM job WHERE workflow_id = ${workflow} AND state = 'waiting'`.execute(
        opened.database.queryable,
      );
    await expect.poll(async () => (await found()).rows.length).toBe(1);

    await passTime((await found()).rows[0]?.id ?? "");

    await expect.poll(async () => (await queue.workflows.get(workflow)).state).toBe("failed");
  });

  it("tells those who watch its stream, and hooks", async () => {
    const queue = asking();
    const told: string[] = [];
    queue.on("job.waiting", ({ job }) => void told.push(`waiting ${job.state}`));
    queue.on("job.answered", ({ job }) => void told.push(`answered ${job.state}`));
    const { id } = await startAndWait(queue);

    await answer(queue, id, "publish");
    await untilState(id, "succeeded");

    const { events } = await queue.feed.read(`job:${id}`, 0, 100);
    expect(events.map(({ type }) => type)).toEqual([
      "job.queued",
      "job.waiting",
      "job.answered",
      "job.succeeded",
    ]);
    expect(events[1]?.data).toMatchObject({ key: "approve", question });
    expect(events[2]?.data).toEqual({ job_id: id, key: "approve", by: "ann" });
    expect(told).toEqual(["waiting waiting", "answered queued"]);
  });

  it("says no secret of its input in its question", async () => {
    const queue = createQueue(({ input, waitFor }) =>
      waitFor("approve", { question: `Is ${input.password} right?` }),
    );

    const job = await startAndWait(queue, { password: "open sesame" });

    expect(job.waiting_for?.question).not.toContain("sesame");
  });

  it.each<[string, WaitOptions]>([
    ["no question", { question: " " }],
    ["no time", { question, expiresInMs: 0 }],
    ["a schema that JSON Schema can't tell", { question, schema: z.date() }],
    ["an answer at its expiry that does not fit", { question, schema: choice, answerAtExpiry: "maybe" }],
  ])("fails when it asks with %s", async (_what, options) => {
    const queue = createQueue(({ waitFor }) => waitFor("approve", options));
    await opened.startWorker(queue);

    const { id } = await queue.add(task, {});

    expect(await untilState(id, "failed")).toMatchObject({ error_code: "invalid_question" });
  });

  it("fails when its schema refuses the answer that it names for its expiry", async () => {
    const schema = z.string().refine((value) => value !== "later", "not now");
    const queue = createQueue(({ waitFor }) =>
      waitFor("approve", { question, schema, answerAtExpiry: "later" }),
    );
    const { id } = await startAndWait(queue);

    await passTime(id);

    const failed = await untilState(id, "failed");
    expect(failed).toMatchObject({ error_code: "invalid_question" });
    expect(failed.error_message).toContain("not now");
  });

  it("keeps the tables in agreement, whatever became of the questions", async () => {
    const queue = asking();
    const jobs = await Promise.all([startAndWait(queue), startAndWait(queue), startAndWait(queue)]);
    const [answered, cancelled] = jobs;
    await answer(queue, answered?.id ?? "", "publish");
    await queue.transaction((scope) => queue.cancel(scope, cancelled?.id ?? ""));
    await untilState(answered?.id ?? "", "succeeded");

    expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
  });
});
