import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { chain, group, handleTask, Queue, step } from "../src/index.ts";
import { endJob } from "../src/jobs/end-job.ts";
import { groupFailures } from "../src/jobs/group-failures.ts";
import { listJobs } from "../src/jobs/list-jobs.ts";
import { lockJob } from "../src/jobs/lock-job.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { stopMembers } from "../src/workflows/stop-members.ts";
import { clearJobs, statesOf, writeJobs } from "./control-jobs.ts";
import { scriptTask } from "./script-task.ts";

const owners = [null];

describe.each(testDatabases())("many jobs at once on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    await clearJobs(database.queryable);
    await sql`DELETE FROM workflow_node`.execute(database.queryable);
    await sql`DELETE FROM workflow`.execute(database.queryable);
  });

  type Hooks = {
    readonly onRetry?: (id: string) => Promise<void>;
    readonly onEnd?: (id: string) => Promise<void>;
  };
  const createQueue = ({ onRetry, onEnd }: Hooks = {}): Queue =>
    new Queue({
      database,
      logger: silentLogger,
      handlers: [
        handleTask({
          task: scriptTask,
          run: () => Promise.reject(new Error("no worker runs this")),
          onRetry: async (_scope, { jobId }) => await onRetry?.(jobId),
          onEnd: async (_scope, { jobId }) => await onEnd?.(jobId),
        }),
      ],
    });

  const fail = (ids: readonly string[], code: string, message: string) =>
    sql`UPDATE job SET error_code = ${code}, error_message = ${message} WHERE id = ANY(${[...ids]}::uuid[])`.execute(
      database.queryable,
    );

  const membersOf = async (id: string): Promise<string[]> => {
    const found = await sql<{ job_id: string }>`
      SELECT job_id FROM workflow_node WHERE workflow_id = ${id} AND job_id IS NOT NULL ORDER BY number`.execute(
      database.queryable,
    );
    return found.rows.map(({ job_id }) => job_id);
  };
  const stopParts = (queue: Queue) => ({
    database,
    bus: queue.bus,
    broker: createMemoryBroker(),
    registry: new TaskRegistry([]),
    onCancelRequested: () => undefined,
  });
  const expire = (queue: Queue, id: string): Promise<void> =>
    queue.transaction(async (scope) => {
      const job = await lockJob(scope.transaction, id);
      if (job === undefined) throw new Error(`no job ${id}`);
      await endJob(scope, stopParts(queue), job, { state: "expired" });
    });

  it("retries what failed, each with its hook, a new place and its history, and nothing else", async () => {
    const { queryable } = database;
    const failed = await writeJobs(queryable, { count: 250, state: "failed" });
    await sql`UPDATE job SET attempt = 4, fence = 4, error_code = 'boom' WHERE state = 'failed'`.execute(
      queryable,
    );
    const others = [
      ...(await writeJobs(queryable, { state: "cancelled" })),
      ...(await writeJobs(queryable, { state: "succeeded" })),
      ...(await writeJobs(queryable, { state: "failed", queue: "others" })),
    ];
    const retried: string[] = [];

    const result = await createQueue({ onRetry: async (id) => void retried.push(id) }).control.retryJobs({
      owners,
      queue: "tests",
    });

    expect(result).toMatchObject({ matched: 250, changed: 250, skipped: 0, left: 0, failures: [] });
    expect(retried.toSorted()).toEqual(failed.toSorted());
    expect(await statesOf(queryable, others)).toEqual(["cancelled", "succeeded", "failed"]);
    const rows = await sql<object>`
      SELECT DISTINCT state, attempt, max_attempts, error_code, fence, event_seq FROM job WHERE id = ANY(${failed}::uuid[])`.execute(
      queryable,
    );
    expect(rows.rows).toEqual([
      { state: "queued", attempt: 4, max_attempts: 8, error_code: null, fence: 5, event_seq: 1 },
    ]);
    const places = await sql<{ places: number }>`
      SELECT count(DISTINCT fair) AS places FROM job WHERE id = ANY(${failed}::uuid[])`.execute(queryable);
    expect(places.rows).toEqual([{ places: 250 }]);
  });

  it("retries all but those whose hook refuses, and says which and why", async () => {
    const ids = await writeJobs(database.queryable, { count: 5, state: "failed" });
    const queue = createQueue({
      onRetry: (id) => (id === ids[2] ? Promise.reject(new Error("a broken hook")) : Promise.resolve()),
    });

    const result = await queue.control.retryJobs({ owners, task: scriptTask.name });

    expect(result).toMatchObject({ matched: 5, changed: 4, skipped: 1, left: 0 });
    expect(result.failures).toEqual([{ id: ids[2], error: new Error("a broken hook") }]);
    expect(await statesOf(database.queryable, ids)).toEqual([
      "queued",
      "queued",
      "failed",
      "queued",
      "queued",
    ]);
  });

  it("retries one of two that have the same unique key", async () => {
    const ids = await writeJobs(database.queryable, { count: 2, state: "failed" });
    await sql`UPDATE job SET unique_key = 'one'`.execute(database.queryable);

    const result = await createQueue().control.retryJobs({ owners, ids });

    expect(result).toMatchObject({
      changed: 1,
      skipped: 1,
      failures: [{ error: { code: "job_is_pending" } }],
    });
  });

  it("does nothing when another number fits than was expected", async () => {
    const ids = await writeJobs(database.queryable, { count: 3, state: "failed" });

    const retrying = createQueue().control.retryJobs({ owners, queue: "tests" }, { expectedCount: 2 });

    await expect(retrying).rejects.toMatchObject({ code: "job_count_mismatch", details: { count: 3 } });
    expect(await statesOf(database.queryable, ids)).toEqual(["failed", "failed", "failed"]);
  });

  it("ends when its time is over and says what is left", async () => {
    await writeJobs(database.queryable, { count: 250, state: "failed" });

    const none = await createQueue().control.retryJobs({ owners, queue: "tests" }, { maxMs: -1 });
    const some = await createQueue().control.retryJobs({ owners, queue: "tests" }, { limit: 130 });
    const rest = await createQueue().control.retryJobs({ owners, queue: "tests" });

    expect(none).toMatchObject({ matched: 250, changed: 0, left: 250 });
    expect(some).toMatchObject({ matched: 250, changed: 130, left: 120 });
    expect(rest).toMatchObject({ matched: 120, changed: 120, left: 0 });
  });

  it("of jobs that are named retries any that did not succeed, and tells of the others", async () => {
    const [cancelled] = await writeJobs(database.queryable, { state: "cancelled" });
    const [queued] = await writeJobs(database.queryable, { state: "queued" });
    const unknown = "01999999-0000-7000-8000-000000000000";

    const result = await createQueue().control.retryJobs({ owners, ids: [cancelled!, queued!, unknown] });

    expect(result).toMatchObject({ matched: 1, changed: 1, left: 0 });
    expect(result.failures).toMatchObject([
      { id: queued, error: { code: "job_not_ended" } },
      { id: unknown, error: { code: "job_not_found" } },
    ]);
  });

  it("changes nothing of another owner", async () => {
    const ids = await writeJobs(database.queryable, { count: 2, state: "failed" });
    await sql`UPDATE job SET owner = 'theirs' WHERE id = ${ids[0]}`.execute(database.queryable);

    const result = await createQueue().control.retryJobs({ owners: ["mine", null], ids });

    expect(result).toMatchObject({
      changed: 1,
      failures: [{ id: ids[0], error: { code: "job_not_found" } }],
    });
    expect(await statesOf(database.queryable, ids)).toEqual(["failed", "queued"]);
  });

  it("refuses states that can't be retried or cancelled", async () => {
    const { control } = createQueue();

    await expect(control.retryJobs({ owners, states: ["running"] })).rejects.toMatchObject({
      code: "states_not_fit",
    });
    await expect(control.cancelJobs({ owners, states: ["failed"] })).rejects.toMatchObject({
      code: "states_not_fit",
    });
  });

  it("retries by tag, code and what messages have in common", async () => {
    const { queryable } = database;
    const [one, two, three, four] = await writeJobs(queryable, { count: 4, state: "failed" });
    await fail([one!, two!], "timeout", "No answer after 30 s from 01999999-0000-7000-8000-000000000001");
    await fail([three!], "timeout", "Another message");
    await fail([four!], "other", "No answer after 31 s from 01999999-0000-7000-8000-000000000002");
    await sql`UPDATE job_payload SET tags = '{night,eu}' WHERE job_id = ANY(${[one, three, four]}::uuid[])`.execute(
      queryable,
    );

    const result = await createQueue().control.retryJobs({
      owners,
      tag: "night",
      errorCode: "timeout",
      errorMessage: "No answer after … s from …",
    });

    expect(result).toMatchObject({ matched: 1, changed: 1 });
    expect(await statesOf(queryable, [one!, two!, three!, four!])).toEqual([
      "queued",
      "failed",
      "failed",
      "failed",
    ]);
  });

  it("counts members as retried that another of the same call put back", async () => {
    const queue = createQueue();
    const run = step(scriptTask, { script: "x" });
    const { id } = await queue.workflows.start(chain(group([run, run, run]), run));
    const [first, second, third, last] = await membersOf(id);
    await expire(queue, first!);
    await stopMembers(stopParts(queue), id);
    expect(await statesOf(database.queryable, [first!, second!, third!, last!])).toEqual([
      "expired",
      "cancelled",
      "cancelled",
      "cancelled",
    ]);

    const result = await queue.control.retryJobs({ owners, states: ["expired", "cancelled"] });

    expect(result).toMatchObject({ matched: 4, changed: 4, skipped: 0, left: 0, failures: [] });
    const states = await statesOf(database.queryable, [first!, second!, third!, last!]);
    expect(states).toEqual(["queued", "queued", "queued", "blocked"]);
  });

  it("does not call a member failed that was put back after it had been refused", async () => {
    const queue = createQueue();
    const run = step(scriptTask, { script: "x" });
    const { id } = await queue.workflows.start(chain(run, run));
    const [first] = await membersOf(id);
    await expire(queue, first!);

    const result = await queue.control.retryJobs({ owners, states: ["cancelled", "expired"] });

    expect(result).toMatchObject({ matched: 2, changed: 2, skipped: 0, failures: [] });
  });

  it("counts members as cancelled that are stopped or skipped because of another", async () => {
    const queue = createQueue();
    const run = step(scriptTask, { script: "x" });
    const members = Array.from({ length: 250 }, () => run);
    await queue.workflows.start(chain(group(members), run));

    const result = await queue.control.cancelJobs({ owners, states: ["queued", "blocked"] });

    expect(result).toMatchObject({ matched: 251, changed: 251, skipped: 0, left: 0 });
  });

  it("counts children as cancelled that end with their parent", async () => {
    const [parent] = await writeJobs(database.queryable, { state: "running" });
    const [child] = await writeJobs(database.queryable, { state: "queued" });
    await sql`UPDATE job SET parent_id = ${parent} WHERE id = ${child}`.execute(database.queryable);

    const result = await createQueue().control.cancelJobs({ owners, states: ["running", "queued"] });

    expect(result).toMatchObject({ matched: 2, changed: 2, skipped: 0, left: 0 });
  });

  it("cancels what has not ended, each with its hook and what is below it", async () => {
    const { queryable } = database;
    const queued = await writeJobs(queryable, { count: 120 });
    const scheduled = await writeJobs(queryable, { state: "scheduled" });
    const [running] = await writeJobs(queryable, { state: "running" });
    const [child] = await writeJobs(queryable, { queue: "others" });
    const [failed] = await writeJobs(queryable, { state: "failed" });
    await sql`UPDATE job SET parent_id = ${running} WHERE id = ${child}`.execute(queryable);
    const ended: string[] = [];

    const result = await createQueue({ onEnd: async (id) => void ended.push(id) }).control.cancelJobs({
      owners,
      queue: "tests",
    });

    expect(result).toMatchObject({ matched: 122, changed: 122, skipped: 0, left: 0 });
    expect(ended.toSorted()).toEqual([...queued, ...scheduled, child!].toSorted());
    expect(await statesOf(queryable, [child!, failed!, running!])).toEqual([
      "cancelled",
      "failed",
      "running",
    ]);
    const again = await createQueue().control.cancelJobs({ owners, queue: "tests" });
    expect(again).toMatchObject({ matched: 0, changed: 0 });
  });

  it("groups failures by task, code and what their messages have in common", async () => {
    const { queryable } = database;
    const ids = await writeJobs(queryable, { count: 6, state: "failed" });
    await fail(ids.slice(0, 3), "timeout", "No answer after 30 s");
    await fail(ids.slice(3, 5), "timeout", "No answer after 7 s");
    await fail(ids.slice(5), "not_found", 'No file "a.txt"');
    await writeJobs(queryable, { count: 2, state: "succeeded" });

    const groups = await groupFailures(queryable, { owners, limit: 10 });

    expect(groups).toMatchObject({
      examined: 6,
      isPartial: false,
      groups: [
        { task: scriptTask.name, error_code: "timeout", error_message: "No answer after … s", count: 5 },
        { error_code: "not_found", error_message: "No file …", sample_message: 'No file "a.txt"', count: 1 },
      ],
    });
    expect(groups.groups[0]?.job_ids).toHaveLength(5);
    expect(await groupFailures(queryable, { owners, limit: 1 })).toMatchObject({ isPartial: true });
  });

  it("lists the jobs of several owners in one order, page by page", async () => {
    const { queryable } = database;
    const ids = await writeJobs(queryable, { count: 6 });
    await sql`UPDATE job_payload SET owner = 'mine' WHERE job_id = ANY(${ids.slice(0, 3)}::uuid[])`.execute(
      queryable,
    );
    await sql`UPDATE job_payload SET owner = 'theirs' WHERE job_id = ${ids[3]}`.execute(queryable);
    const list = (before?: string) => listJobs(queryable, { owners: ["mine", null], before, limit: 2 });

    const first = await list();
    const second = await list(first.at(-1)?.id);
    const third = await list(second.at(-1)?.id);

    const newestFirst = [ids[5], ids[4], ids[2], ids[1], ids[0]];
    expect([...first, ...second, ...third].map(({ id }) => id)).toEqual(newestFirst);
  });

  it("lists by text, worker, several states and times", async () => {
    const { queryable } = database;
    const [one, two] = await writeJobs(queryable, { count: 2, state: "failed", endedHoursAgo: 2 });
    const [running] = await writeJobs(queryable, { state: "running" });
    await fail([one!], "timeout", "The Provider did not answer");
    await sql`
      INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, finished_at, outcome)
      VALUES (${two}, 1, 1, gen_random_uuid(), 'mill-7', now(), 'failed')`.execute(queryable);
    const find = async (filter: object): Promise<string[]> =>
      (await listJobs(queryable, { owners, limit: 10, ...filter })).map(({ id }) => id);

    expect(await find({ search: "provider" })).toEqual([one]);
    expect(await find({ search: "TIMEOUT" })).toEqual([one]);
    expect(await find({ worker: "mill-7" })).toEqual([two]);
    expect((await find({ states: ["failed", "running"] })).toSorted()).toEqual(
      [one!, two!, running!].toSorted(),
    );
    expect(await find({ finishedAfter: new Date(Date.now() - 3_600_000).toISOString() })).toEqual([]);
    expect(
      await find({ finishedBefore: new Date(Date.now() - 3_600_000).toISOString(), queue: "others" }),
    ).toEqual([]);
  });
});
