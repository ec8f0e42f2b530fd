/** What a victim does besides running jobs: every request that a program or a person makes of a queue. */
import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "@millrace/database";
import { errorCode, newId } from "@millrace/kernel";
import { sql } from "kysely";
import { chain, chord, findQueueProblems, step } from "../../src/index.ts";
import type { JobRequest, Queue, StartableFlow, WorkflowOptions } from "../../src/index.ts";
import { claimJobs } from "../../src/jobs/claim.ts";
import type { Acknowledged, Outside } from "./outside.ts";
import { alarmDeeds } from "./victim-alarms.ts";
import { declareNewYear, findMade, scheduleSoon } from "./victim-schedules.ts";
import { tasks, work } from "./victim-tasks.ts";

/** A second or two on an idle machine. */
const stepTimeoutMs = 240_000;
const by = { by: "the script" };
const nameOfMany = "many";
const nameOfOrder = "order";

const kindsOfMany = [tasks.steps, tasks.steps, tasks.flaky, tasks.snoozing, tasks.plain];

/** What an earlier launch has committed in part, although it asked for all or nothing, and what does not fit together. */
export async function findTorn({ queryable }: Database): Promise<string[]> {
  const found = await sql<{ many: number; order_jobs: number; orders: number }>`
    SELECT (SELECT count(*) FROM job WHERE owner = ${nameOfMany}) AS many,
           (SELECT count(*) FROM job WHERE idempotency_key = ${nameOfOrder}) AS order_jobs,
           (SELECT count(*) FROM crash_order) AS orders`.execute(queryable);
  const torn: string[] = [];
  for (const { many, order_jobs, orders } of found.rows) {
    if (many !== 0 && many !== kindsOfMany.length)
      torn.push(`${many} of ${kindsOfMany.length} jobs that were added together`);
    if (order_jobs !== orders) torn.push(`${orders} orders with ${order_jobs} jobs`);
  }
  // They hold at every commit, so also after the last one before a death.
  for (const { check, count } of await findQueueProblems(queryable))
    torn.push(`${count} times that ${check}`);
  return torn;
}

export type ScriptParts = {
  readonly database: Database;
  readonly queue: Queue;
  readonly outside: Outside;
  /** By name: what was acknowledged to an earlier launch is not asked for again. */
  readonly acknowledged: Acknowledged;
  readonly workerName: string;
};

/** How the jobs of a request end that do not succeed, by the request's name. */
export const otherEnds: Readonly<Record<string, string>> = {
  doomed: "failed",
  late: "expired",
  "to cancel waiting": "cancelled",
  "to cancel running": "cancelled",
  "to cancel with others": "cancelled",
  "discarded 1": "cancelled",
  "discarded 2": "cancelled",
  // Of a workflow by its name, and the number of the job in it.
  "flow to cancel 2": "cancelled",
  "flow to cancel 3": "cancelled",
};

/**
 * The script in two parts, before and after the worker has started. Each request has a name; one whose
 * answer was lost with the process is made again by the next launch, as a client would, with the same
 * idempotency key.
 */
export class VictimScript {
  readonly #parts: ScriptParts;

  constructor(parts: ScriptParts) {
    this.#parts = parts;
  }

  async beforeWorker(): Promise<void> {
    const { database, queue } = this.#parts;
    await this.#add("due at once", { task: tasks.plain, input: work(), options: { delayMs: 1 } });
    await this.#addTogether(4, "plain", { task: tasks.plain, input: work() });
    await this.#request(nameOfMany, async () => {
      const requests = kindsOfMany.map((task, index) => ({
        task,
        input: work(),
        options: { idempotencyKey: `${nameOfMany} ${index + 1}`, owner: nameOfMany },
      }));
      return (await queue.addMany(requests)).map(({ id }) => id);
    });
    await this.#request(nameOfOrder, () =>
      queue.transaction(async (scope) => {
        const options = { idempotencyKey: nameOfOrder, stream: "order:1" };
        const { id } = await queue.enqueue(scope, tasks.steps, work(), options);
        // What an earlier launch has committed was found whole (`findTorn`).
        await sql`
          INSERT INTO crash_order (name, job_id)
          SELECT ${nameOfOrder}, ${id} WHERE NOT EXISTS (SELECT FROM crash_order)`.execute(scope.transaction);
        return [id];
      }),
    );
    // Workers follow a limit with their next look, and know it when they start.
    await this.#set("narrowed", () => queue.control.setQueueLimit(tasks.narrow.queue, 1, by));
    await this.#set("bound", () => queue.control.setTaskLimits(tasks.freed.name, { rateLimit: "1/h" }, by));
    await this.#add("ghost", { task: tasks.ghostly, input: work() });
    // A worker that is dead before it has begun: its lease runs out, and the job is taken back.
    await claimJobs(database, {
      queue: tasks.ghostly.queue,
      taskKeys: [`${tasks.ghostly.name}@${tasks.ghostly.version}`],
      limit: 1,
      worker: { id: newId(), name: "ghost" },
      leaseMs: 1,
      oldest: 0,
    });
  }

  async whileWorking(): Promise<void> {
    // Beside each other: each waits for jobs to come so far.
    await Promise.all([
      this.#addTogether(3, "more", { task: tasks.plain, input: work() }),
      this.#addTogether(2, "more steps", { task: tasks.steps, input: work() }),
      this.#addTogether(3, "batched", { task: tasks.batched, input: work() }),
      this.#addTogether(4, "limited", { task: tasks.limited, input: work({ holdMs: 120 }) }),
      this.#addTogether(2, "key a", { task: tasks.keyed, input: work({ key: "a", holdMs: 80 }) }),
      this.#addTogether(2, "key b", { task: tasks.keyed, input: work({ key: "b", holdMs: 80 }) }),
      this.#addTogether(4, "rated", { task: tasks.rated, input: work() }),
      this.#addTogether(2, "fleeting", { task: tasks.fleeting, input: work() }),
      this.#add("long", { task: tasks.plain, input: work({ holdMs: 1_500 }) }),
      this.#add("parent", { task: tasks.parent, input: work() }),
      this.#add("answered by itself", { task: tasks.asking, input: work({ key: "by itself" }) }),
      this.#add("starter", { task: tasks.starter, input: work() }),
      this.#add("late", {
        task: tasks.plain,
        input: work(),
        options: { delayMs: 3_600_000, expiresInMs: 50 },
      }),
      this.#killItself(),
      this.#cancelJobs(),
      this.#releaseByForce(),
      this.#retryByHand(),
      this.#answerJob(),
      this.#changeMany(),
      this.#forgetWorker(),
      this.#controlQueues(),
      this.#freeJobs(),
      this.#discard(),
      this.#runWorkflows(),
      this.#alarm(),
      this.#schedule(),
    ]);
  }

  /** Resolves when every job has ended. */
  async untilRest(): Promise<void> {
    const countOpen = async (): Promise<boolean> => {
      const found = await sql<{ count: number }>`
        SELECT count(*) AS count FROM job WHERE finished_at IS NULL`.execute(this.#parts.database.queryable);
      return found.rows[0]?.count === 0;
    };
    await until("all jobs to end", countOpen);
  }

  async #killItself(): Promise<void> {
    const { queue } = this.#parts;
    const enqueue = (name: string, deaths: number, crashes: number) =>
      this.#request(name, () =>
        queue.transaction(async (scope) => {
          const { id } = await queue.enqueue(scope, tasks.deadly, work({ deaths }), { idempotencyKey: name });
          // As if a worker had died under it before.
          await sql`
            UPDATE job SET runs_alone = true, crash_count = ${crashes} WHERE id = ${id} AND state = 'queued' AND fence = 0`.execute(
            scope.transaction,
          );
          return [id];
        }),
      );
    await Promise.all([enqueue("deadly", 1, 0), enqueue("doomed", 100, 2)]);
  }

  async #cancelJobs(): Promise<void> {
    const { queue } = this.#parts;
    const cancel = (name: string, id: string) =>
      this.#set(`${name} cancelled`, () => queue.transaction((scope) => queue.cancel(scope, id)));
    const waiting = await this.#add("to cancel waiting", {
      task: tasks.plain,
      input: work(),
      options: { delayMs: 3_600_000 },
    });
    await cancel("waiting", waiting);
    const running = await this.#add("to cancel running", {
      task: tasks.steps,
      input: work({ until: "never" }),
    });
    await this.#untilState(running, ["running", "cancelled"]);
    await cancel("running", running);
  }

  async #releaseByForce(): Promise<void> {
    const id = await this.#add("to release", { task: tasks.steps, input: work({ until: "released" }) });
    await this.#set("released", () =>
      until("a running job to release", async () => {
        await this.#untilState(id, ["running"]);
        try {
          await this.#parts.queue.control.forceRelease(id, by);
          return true;
        } catch (error) {
          // Taken back in this very moment, because its worker has died before.
          if (errorCode(error) === "job_not_running") return false;
          throw error;
        }
      }),
    );
  }

  async #retryByHand(): Promise<void> {
    const { queue } = this.#parts;
    const id = await this.#add("to retry", { task: tasks.failing, input: work() });
    await this.#set("retried", async () => {
      await this.#untilState(id, ["failed", "succeeded"]);
      await queue
        .transaction((scope) => queue.retry(scope, id))
        // An earlier launch has done it, and died before it could say so.
        .catch((error: unknown) => {
          if (errorCode(error) !== "job_not_ended") throw error;
        });
    });
  }

  async #answerJob(): Promise<void> {
    const { queue } = this.#parts;
    const id = await this.#add("to answer", { task: tasks.asking, input: work() });
    // Again what an earlier launch has done, and died before it could say so.
    await this.#set("answered", async () => {
      await until("a job to wait, or to have its answer", async () => {
        try {
          await queue.transaction((scope) =>
            queue.answer(scope, id, { key: "answer", answer: "go on", by: "the script" }),
          );
          return true;
        } catch (error) {
          if (errorCode(error) === "job_not_waiting") return false;
          throw error;
        }
      });
    });
  }

  /** By a filter: what an earlier launch has done already fits it no more. */
  async #changeMany(): Promise<void> {
    const { control } = this.#parts.queue;
    const toRetry = await Promise.all(
      ["to retry with others 1", "to retry with others 2"].map((name) =>
        this.#add(name, { task: tasks.failing, input: work() }),
      ),
    );
    await this.#set("retried with others", async () => {
      await until("many jobs to be retried", async () => {
        await control.retryJobs({ owners: [null], ids: toRetry });
        return (await this.#statesOf(toRetry)).every((state) => state === "succeeded");
      });
    });
    const options = { delayMs: 3_600_000 };
    const toCancel = await this.#add("to cancel with others", { task: tasks.plain, input: work(), options });
    await this.#set("cancelled with others", () =>
      control.cancelJobs({ owners: [null], ids: [toCancel], states: ["scheduled"] }),
    );
  }

  async #forgetWorker(): Promise<void> {
    const { database, queue } = this.#parts;
    await this.#set("worker forgotten", async () => {
      await sql`
        INSERT INTO worker (id, name, queues, concurrency, tasks, stopped_at)
        VALUES (${newId()}, 'gone', '{}', 1, '{}', now())`.execute(database.queryable);
      await queue.control.forgetWorkers("gone");
    });
  }

  async #statesOf(ids: readonly string[]): Promise<readonly string[]> {
    const found = await sql<{ state: string }>`
      SELECT state FROM job WHERE id = ANY(${[...ids]}::uuid[])`.execute(this.#parts.database.queryable);
    return found.rows.map(({ state }) => state);
  }

  async #controlQueues(): Promise<void> {
    const { workerName } = this.#parts;
    const { control } = this.#parts.queue;
    const { held, narrow } = tasks;
    await this.#set("weighed", () => control.setOwnerWeight(nameOfMany, 2));
    await this.#set("not weighed", () => control.setOwnerWeight(nameOfMany, null));
    await this.#set("worker asked", () => control.requestConcurrency(workerName, 4));
    await this.#addTogether(3, "narrow", { task: narrow, input: work({ holdMs: 80 }) });
    await this.#set("paused", () => control.pause(held.queue, by));
    await this.#addTogether(2, "held", { task: held, input: work() });
    // Long enough for a worker that does not heed the pause.
    await wait(300);
    await this.#set("about to resume", () => Promise.resolve());
    await this.#set("resumed", () => control.resume(held.queue, by));
    await this.#set("paused for a while", () => this.#pauseFor(held.queue, 500));
    await this.#addTogether(1, "held for a while", { task: held, input: work() });
  }

  /** Longer where the machine is so busy that the time was over before the pause was written. */
  async #pauseFor(queue: string, ms: number): Promise<void> {
    const until = new Date(Date.now() + ms);
    await this.#parts.queue.control.pause(queue, { ...by, until }).catch(async (error: unknown) => {
      if (errorCode(error) !== "pause_is_over") throw error;
      await this.#pauseFor(queue, ms * 4);
    });
  }

  /** Jobs wait in the line of a limit, which then is no more. */
  async #freeJobs(): Promise<void> {
    const { database, queue } = this.#parts;
    await this.#addTogether(3, "freed", { task: tasks.freed, input: work() });
    await this.#set("not bound", async () => {
      await until("jobs to wait for a limit", async () => {
        const found = await sql<{ parked: number; open: number }>`
          SELECT count(parked_by) AS parked, count(*) AS open FROM job
          WHERE task = ${tasks.freed.name} AND finished_at IS NULL`.execute(database.queryable);
        // All have ended when an earlier launch took the limit away, and died before it could say so.
        return found.rows.some(({ parked, open }) => parked > 0 || open === 0);
      });
      await queue.control.setTaskLimits(tasks.freed.name, null, by);
    });
  }

  async #discard(): Promise<void> {
    const options = { delayMs: 3_600_000 };
    await this.#addTogether(2, "discarded", { task: tasks.discarded, input: work(), options });
    await this.#set("purged", () => this.#parts.queue.control.purge(tasks.discarded.queue));
  }

  async #runWorkflows(): Promise<void> {
    const { workflows } = this.#parts.queue;
    const members = Array.from({ length: 6 }, () => step(tasks.plain, work()));
    const joined = chord([...members, step(tasks.flaky, work())], step(tasks.plain, work()));
    await this.#startFlow("joined", joined);

    const cancelled = chain(step(tasks.plain, work()), step(tasks.plain, work()));
    const toCancel = await this.#startFlow("flow to cancel", cancelled, { delayMs: 3_600_000 });
    await this.#set("flow cancelled", () => workflows.cancel(toCancel));

    const failing = chain(step(tasks.failing, work()), step(tasks.plain, work()));
    const toRetry = await this.#startFlow("flow to retry", failing);
    await this.#set("flow retried", async () => {
      await until("a workflow to end", async () => (await workflows.get(toRetry)).finished_at !== null);
      // An earlier launch has done it, and died before it could say so.
      await workflows.retry(toRetry).catch((error: unknown) => {
        if (errorCode(error) !== "workflow_not_retryable") throw error;
      });
    });
  }

  async #startFlow<Output>(
    name: string,
    flow: StartableFlow<Output>,
    options: WorkflowOptions = {},
  ): Promise<string> {
    const { database, queue } = this.#parts;
    // Again by every launch: with its key it is the one that is there.
    const { id } = await queue.workflows.start(flow, { ...options, name, idempotencyKey: name });
    await this.#request(name, async () => {
      const jobs = await sql<{ id: string }>`SELECT id FROM job WHERE workflow_id = ${id}`.execute(
        database.queryable,
      );
      return jobs.rows.map((row) => row.id);
    });
    return id;
  }

  async #alarm(): Promise<void> {
    for (const [name, deed] of Object.entries(alarmDeeds)) {
      await this.#set(name, () => until(`an ${name}`, () => deed(this.#parts.database)));
    }
  }

  async #schedule(): Promise<void> {
    const { queue } = this.#parts;
    await this.#set("declared", () => declareNewYear(queue));
    for (const name of ["scheduled 1", "scheduled 2", "scheduled 3"]) {
      await this.#request(name, async () => {
        await scheduleSoon(queue, name);
        let made: readonly string[] | undefined;
        await until(`${name} to make its job`, async () => {
          made = await findMade(queue, name);
          return made !== undefined;
        });
        return made ?? [];
      });
    }
  }

  async #addTogether<Input, Output>(
    count: number,
    name: string,
    request: JobRequest<Input, Output>,
  ): Promise<void> {
    const names = Array.from({ length: count }, (_none, index) => `${name} ${index + 1}`);
    await Promise.all(names.map((each) => this.#add(each, request)));
  }

  async #add<Input, Output>(
    name: string,
    { task, input, options }: JobRequest<Input, Output>,
  ): Promise<string> {
    const [id = ""] = await this.#request(name, async () => [
      (await this.#parts.queue.add(task, input, { ...options, idempotencyKey: name })).id,
    ]);
    return id;
  }

  /** A request that makes no jobs. */
  async #set(name: string, change: () => Promise<unknown>): Promise<void> {
    await this.#request(name, async () => {
      await change();
      return [];
    });
  }

  /** Gives the jobs of a request that was acknowledged before; makes and acknowledges any other. */
  async #request(name: string, ask: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const { acknowledged, outside } = this.#parts;
    const known = acknowledged[name];
    if (known !== undefined) return known;
    const jobs = await ask();
    await outside.acknowledge(name, jobs);
    return jobs;
  }

  async #untilState(id: string, states: readonly string[]): Promise<void> {
    await until(`${id} to be ${states.join(" or ")}`, async () => {
      const found = await sql<{ state: string }>`SELECT state FROM job WHERE id = ${id}`.execute(
        this.#parts.database.queryable,
      );
      return states.includes(found.rows[0]?.state ?? "");
    });
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + stepTimeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`Waited too long for ${what}`);
    await wait(20);
  }
}
