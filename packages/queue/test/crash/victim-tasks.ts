/** What a victim's jobs do: little, but through every kind of end, step and limit. */
import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "@millrace/database";
import { sql } from "kysely";
import { z } from "zod";
import { chain, defineTask, handleBatchTask, handleTask, settled, snooze, step } from "../../src/index.ts";
import type {
  AnyTaskHandler,
  FencedScope,
  JobContext,
  JobEnd,
  NewEvent,
  Task,
  WriteScope,
} from "../../src/index.ts";
import type { TaskOptions } from "../../src/tasks/task.ts";
import type { Outside, OutsideRun } from "./outside.ts";

const input = z.object({
  /** How long its outside calls take. */
  holdMs: z.number(),
  /** Its outside calls last until the script has done what has this name. */
  until: z.string().optional(),
  key: z.string(),
  /** How often it kills its process. */
  deaths: z.number(),
});
const output = z.object({ fence: z.number() });

type Input = z.output<typeof input>;
type Output = z.output<typeof output>;
type Context = JobContext<Input>;

const soon = { firstSeconds: 0.2, factor: 1, jitter: "none" } as const;

export function work(options: Partial<Input> = {}): Input {
  return { holdMs: 30, key: "", deaths: 0, ...options };
}

function define(name: string, options: Partial<TaskOptions<Input, Output>> = {}): Task<Input, Output> {
  return defineTask({ queue: "main", backoff: soon, ...options, name, input, output });
}

export const limits = { limited: 2, keyed: 1, ratePerSecond: 3 } as const;

export const tasks = {
  /** Ends together with others, in one statement. */
  plain: define("crash.answer"),
  /** Steps, a step with rows of the domain, log lines, progress, and a hook at its end. */
  steps: define("crash.work_in_steps"),
  flaky: define("crash.fail_once"),
  snoozing: define("crash.snooze_once"),
  /** Fails for good the first time; somebody retries it. */
  failing: define("crash.fail_for_good", { retries: 0 }),
  /** Waits for the script to answer; or, with a key, until it goes on by itself. */
  asking: define("crash.ask_somebody"),
  parent: define("crash.enqueue_child"),
  starter: define("crash.start_workflow"),
  batched: define("crash.answer_together"),
  // In a queue of their own: where a task has a limit, all claims are made in the way that counts.
  limited: define("crash.answer_few", { queue: "counted", concurrency: limits.limited }),
  keyed: define("crash.answer_by_key", {
    queue: "counted",
    keyConcurrency: limits.keyed,
    limitKey: ({ key }) => key,
  }),
  rated: define("crash.answer_slowly", { queue: "counted", rateLimit: `${limits.ratePerSecond}/s` }),
  /** Has a limit only for a while, because somebody set one. */
  freed: define("crash.wait_for_freedom", { queue: "counted" }),
  /** May be purged as soon as it has ended. */
  fleeting: define("crash.vanish", { retention: { succeededDays: 0, otherEndsDays: 0 } }),
  /** Kills the process that it runs in, if that is its own. */
  deadly: define("crash.kill_own_process"),
  // Queues of their own.
  held: define("crash.wait_for_resume", { queue: "held" }),
  narrow: define("crash.pass_one_by_one", { queue: "narrow" }),
  discarded: define("crash.never_start", { queue: "discarded" }),
  ghostly: define("crash.lose_worker", { queue: "ghosts" }),
} as const;

/**
 * What a survivor runs. The other queues are not its own: what somebody sets while it works it need not hear of in
 * time.
 */
export const survivorQueues: readonly string[] = [tasks.plain.queue, tasks.limited.queue];

/** The step that is charged for, with what its call cost. */
export const payStep = "pay";

/** The name of the workflow that a job starts: there is one, however often the job runs. */
export const startedFlow = "started by a job";

export type HandlerParts = {
  readonly database: Database;
  readonly outside: Outside;
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
  /** Whether the process that runs them is there for one job. */
  readonly isChild: boolean;
};

export function createHandlers(parts: HandlerParts): AnyTaskHandler[] {
  const { database, outside } = parts;

  /** With the fence of this very claim: the transaction is refused to any other. */
  const beginFenced = async (context: Context): Promise<OutsideRun> =>
    outside.begin(
      context.job.id,
      await context.transaction((scope) => readFence(scope.transaction, context.job.id)),
    );
  /** Without a write of its own, so that the job's end can be recorded together with others. */
  const begin = async (context: Context): Promise<OutsideRun> =>
    outside.begin(context.job.id, await readFence(database.queryable, context.job.id));

  const answer = async (context: Context): Promise<Output> => {
    const run = await begin(context);
    await run.call("answer", context.input, context.signal);
    return { fence: run.fence };
  };
  const onEnd = (scope: WriteScope, end: JobEnd<Input, Output>) => recordEnd(parts, scope, end);

  return [
    handleTask({ task: tasks.plain, run: answer }),
    handleTask({
      task: tasks.steps,
      run: async (context) => workInSteps(context, await beginFenced(context)),
      onEnd,
    }),
    handleTask({
      task: tasks.flaky,
      run: async (context) => {
        const run = await beginFenced(context);
        await run.step(context, "before");
        if (context.job.attempt === 1) throw new Error("The first attempt fails");
        await run.step(context, "after");
        return { fence: run.fence };
      },
      onEnd,
    }),
    handleTask({
      task: tasks.snoozing,
      run: async (context) => {
        const run = await beginFenced(context);
        let isFirst = false;
        await run.step(context, "before", () => {
          isFirst = true;
        });
        if (isFirst) throw snooze(200, "Later");
        return { fence: run.fence };
      },
    }),
    handleTask({
      task: tasks.failing,
      run: async (context) => {
        const run = await beginFenced(context);
        await run.step(context, "only");
        if (context.job.attempt === 1) throw new Error("Fails until somebody retries it");
        return { fence: run.fence };
      },
      onEnd,
    }),
    handleTask({
      task: tasks.asking,
      run: async (context) => {
        const run = await beginFenced(context);
        await run.step(context, "before");
        const patience = context.input.key === "" ? {} : { expiresInMs: 100, answerAtExpiry: "go on" };
        await context.waitFor("answer", { question: "May it go on?", ...patience });
        await run.step(context, "after");
        return { fence: run.fence };
      },
    }),
    handleTask({
      task: tasks.parent,
      run: async (context) => {
        const run = await beginFenced(context);
        await context.enqueueChild("child", tasks.plain, work());
        await run.step(context, "after");
        return { fence: run.fence };
      },
    }),
    handleTask({
      task: tasks.starter,
      run: async (context) => {
        const run = await beginFenced(context);
        const flow = chain(step(tasks.plain, work()), step(tasks.plain, work()));
        await context.startWorkflow("flow", flow, { name: startedFlow });
        await run.step(context, "after");
        return { fence: run.fence };
      },
    }),
    handleBatchTask({
      task: tasks.batched,
      maxSize: 3,
      maxWaitMs: 50,
      run: (contexts) => settled(contexts.map(answer)),
    }),
    handleTask({ task: tasks.limited, run: answer }),
    handleTask({ task: tasks.keyed, run: answer }),
    handleTask({ task: tasks.rated, run: answer }),
    handleTask({ task: tasks.freed, run: answer }),
    handleTask({ task: tasks.fleeting, run: answer, onEnd }),
    handleTask({
      task: tasks.deadly,
      run: async (context) => killProcess(context, await beginFenced(context), parts),
      onEnd,
    }),
    handleTask({ task: tasks.held, run: answer }),
    handleTask({ task: tasks.narrow, run: answer }),
    handleTask({ task: tasks.discarded, run: answer }),
    handleTask({ task: tasks.ghostly, run: answer }),
  ];
}

async function workInSteps(context: Context, run: OutsideRun): Promise<Output> {
  context.log("info", "begins");
  context.progress({ percent: 10, stage: "fetch" });
  await run.step(context, "fetch");
  const pay = (scope: FencedScope, price: number) =>
    sql`INSERT INTO crash_ledger (job_id, fence, price) VALUES (${context.job.id}, ${run.fence}, ${price})`.execute(
      scope.transaction,
    );
  await run.step(context, payStep, undefined, async (scope, price) => void (await pay(scope, price)));
  context.log("info", "has paid");
  context.progress({ percent: 60, stage: "tell" });
  // Longer than what is said waits to be written, so that it is written by itself.
  await wait(120, undefined, { signal: context.signal });
  await run.step(context, "tell");
  return { fence: run.fence };
}

async function killProcess(context: Context, run: OutsideRun, { isChild }: HandlerParts): Promise<Output> {
  for (let death = 1; death <= context.input.deaths; death++) {
    let isNew = false;
    await run.step(context, `death ${death}`, () => {
      isNew = true;
    });
    if (!isNew) continue;
    if (!isChild) throw new Error("This job must have a process of its own");
    process.kill(process.pid, "SIGKILL");
    await new Promise(() => undefined);
  }
  return { fence: run.fence };
}

async function readFence(queryable: Database["queryable"], id: string): Promise<number> {
  const found = await sql<{ fence: number }>`
    SELECT fence FROM job WHERE id = ${id} AND state = 'running'`.execute(queryable);
  const [row] = found.rows;
  if (row === undefined) throw new Error("The job is no longer held");
  return row.fence;
}

async function recordEnd(parts: HandlerParts, scope: WriteScope, end: JobEnd<Input, Output>): Promise<void> {
  await sql`INSERT INTO crash_end (job_id, state) VALUES (${end.jobId}, ${end.state})`.execute(
    scope.transaction,
  );
  const found = await sql<{ stream: string; owner: string | null }>`
    SELECT stream, owner FROM job WHERE id = ${end.jobId}`.execute(scope.transaction);
  for (const { stream, owner } of found.rows) {
    // The own stream of a job gets its last event from the queue.
    if (stream.startsWith("job:")) continue;
    await parts.appendEvents(scope, [
      { stream, owner, type: `order.${end.state}`, data: { job_id: end.jobId } },
    ]);
  }
}
