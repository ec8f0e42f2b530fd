/** The real queue beside the model of a chord: each step is done to both, after which both must agree. */
import { isDeepStrictEqual } from "node:util";
import { silentLogger } from "@millrace/kernel";
import * as fc from "fast-check";
import { sql } from "kysely";
import { z } from "zod";
import { chord, defineTask, Queue, step } from "../../src/index.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import { cancelJob } from "../../src/jobs/cancel.ts";
import { claimJobs } from "../../src/jobs/claim.ts";
import { finishAttempt } from "../../src/jobs/finish-attempt.ts";
import { retryJob } from "../../src/jobs/retry.ts";
import { succeedMembers } from "../../src/jobs/succeed-jobs.ts";
import { cancelWorkflow } from "../../src/workflows/cancel-workflow.ts";
import { retryWorkflow } from "../../src/workflows/retry-workflow.ts";
import { stopAllMembers } from "../../src/workflows/stop-members.ts";
import * as chordModel from "./chord-model.ts";
import type { ChordModel, ModelPart } from "./chord-model.ts";
import { answerOf, expectAnswer, expectSame, pick } from "./command.ts";
import { inScope, notice, partsOf } from "./system.ts";
import type { QueueSystem } from "./system.ts";
import { durations } from "./world.ts";

const run = defineTask({
  name: "model.part",
  queue: "parts",
  input: z.number(),
  output: z.number(),
  retries: 0,
});
const join = defineTask({
  name: "model.body",
  queue: "bodies",
  input: z.array(z.unknown()),
  output: z.number(),
  retries: 0,
});
const worker = { id: "0190a000-0000-7000-9000-000000000001", name: "w0" };

const stepKinds = [
  ...["claim", "claim", "claim", "succeed", "succeed", "succeed together", "fail", "fail", "stop", "stop"],
  ...["cancel a job", "cancel the workflow", "retry a job", "retry a job", "retry the workflow"],
] as const;

export const chordArbitrary = fc.record({
  policy: fc.constantFrom("stop" as const, "stop" as const, "finish" as const, "collect" as const),
  members: fc.integer({ min: 1, max: 4 }),
  steps: fc.array(fc.record({ kind: fc.constantFrom(...stepKinds), which: fc.nat({ max: 11 }) }), {
    minLength: 8,
    maxLength: 30,
  }),
});
type ChordGiven = typeof chordArbitrary extends fc.Arbitrary<infer Value> ? Value : never;

export async function runChord(system: QueueSystem, given: ChordGiven): Promise<void> {
  const queue = new Queue({ database: system.database, logger: silentLogger, handlers: [] });
  const flow = chord(
    Array.from({ length: given.members }, (_none, nth) => step(run, nth)),
    step(join),
    { policy: given.policy },
  );
  const { id } = await queue.workflows.start(flow);
  const chordRun = new ChordRun(system, id, chordModel.createChord(given.policy, given.members));
  await chordRun.compare("the start");
  for (const { kind, which } of given.steps) {
    if (!(await chordRun.do(kind, which))) continue;
    notice(system, kind);
    await chordRun.compare(kind);
  }
  notice(system, `workflow ${chordModel.workflowState(chordRun.model)}`);
  expectSame("problems", [], await findQueueProblems(system.database.queryable));
}

type Seen = {
  readonly id: string;
  readonly state: string;
  readonly fence: number;
  readonly successes: number;
};

class ChordRun {
  readonly model: ChordModel;
  readonly #system: QueueSystem;
  readonly #id: string;
  /** The members in their order, then the body. */
  #seen: readonly Seen[] = [];

  constructor(system: QueueSystem, id: string, model: ChordModel) {
    this.#system = system;
    this.#id = id;
    this.model = model;
  }

  /** False when it is not possible now. */
  async do(kind: (typeof stepKinds)[number], which: number): Promise<boolean> {
    const { model } = this;
    const parts = this.#parts();
    switch (kind) {
      case "claim":
        return await this.#claim(pick(["parts", "bodies"], which));
      case "succeed":
      case "fail": {
        const running = parts.filter(({ state }) => state === "running");
        if (running.length === 0) return false;
        const part = pick(running, which);
        await this.#finish(part, kind === "fail" ? "failed" : "succeeded");
        return true;
      }
      case "succeed together":
        return await this.#succeedTogether();
      case "stop":
        chordModel.stop(model);
        await stopAllMembers(partsOf(this.#system));
        return true;
      case "cancel a job": {
        const open = parts.filter(chordModel.isOpen);
        if (open.length === 0) return false;
        const part = pick(open, which);
        chordModel.cancelPart(model, part);
        await inScope(this.#system, (scope) => cancelJob(scope, partsOf(this.#system), this.#of(part).id));
        return true;
      }
      case "cancel the workflow": {
        const expected = chordModel.cancelWorkflow(model);
        const cancelling = inScope(this.#system, (scope) =>
          cancelWorkflow(scope, partsOf(this.#system), this.#id),
        );
        expectAnswer(this.#system, kind, expected, await answerOf(cancelling));
        return true;
      }
      case "retry a job":
      case "retry the workflow":
        await this.#retry(kind === "retry a job" ? pick(parts, which) : undefined);
        return true;
    }
  }

  async compare(after: string): Promise<void> {
    const found = await sql<{ workflow: string; ended: number; seen: readonly Seen[] }>`
      SELECT workflow.state AS workflow, workflow.ended_jobs AS ended, (
        SELECT json_agg(json_build_object('id', job.id, 'state', job.state, 'fence', job.fence, 'successes', (
          SELECT count(*) FROM ended_attempt WHERE job_id = job.id AND outcome = 'succeeded')) ORDER BY node.number)
        FROM workflow_node AS node JOIN job ON job.id = node.job_id WHERE node.workflow_id = workflow.id) AS seen
      FROM workflow WHERE id = ${this.#id}`.execute(this.#system.database.queryable);
    const [row] = found.rows;
    if (row === undefined) throw new Error("the workflow is gone");
    this.#seen = row.seen;
    const body = row.seen.at(-1);
    const parts = this.#parts();
    const expected = {
      workflow: chordModel.workflowState(this.model),
      ended: parts.filter(chordModel.hasEnded).length,
      states: parts.map(({ state }) => state),
      bodySuccesses: this.model.bodySuccesses,
    };
    const given = {
      workflow: row.workflow,
      ended: row.ended,
      states: row.seen.map(({ state }) => state),
      bodySuccesses: body?.successes,
    };
    if (!isDeepStrictEqual(expected, given)) {
      throw new Error(
        `after ${after}: expected ${JSON.stringify(expected)}; there is ${JSON.stringify(given)}`,
      );
    }
    if (row.workflow === "succeeded") expectSame("times that the body has run", 1, body?.successes);
  }

  #parts(): ModelPart[] {
    return [...this.model.members, this.model.body];
  }

  #of(part: ModelPart): Seen {
    return pick(this.#seen, this.#parts().indexOf(part));
  }

  async #claim(queue: string): Promise<boolean> {
    const { jobs: claimed } = await claimJobs(this.#system.database, {
      queue,
      taskKeys: [`${run.name}@1`, `${join.name}@1`],
      limit: 1,
      worker,
      leaseMs: durations.leaseMs,
      oldest: 0,
    });
    for (const { id } of claimed) {
      const part = pick(
        this.#parts(),
        this.#seen.findIndex((one) => one.id === id),
      );
      expectSame("a claimed job was", "queued", part.state);
      part.state = "running";
    }
    return claimed.length > 0;
  }

  async #finish(part: ModelPart, wish: "succeeded" | "failed"): Promise<void> {
    chordModel.finish(this.model, part, wish);
    const error = { code: "model_failure", message: "as the test said" };
    const end =
      wish === "succeeded" ? { outcome: wish, output: 1 } : { outcome: wish, error, retryInMs: undefined };
    const isHeld = await inScope(this.#system, (scope) =>
      finishAttempt(scope, partsOf(this.#system), this.#of(part), {
        end,
        writeFirst: () => Promise.resolve(),
        skipsHook: false,
      }),
    );
    expectSame("it is still held", true, isHeld);
  }

  /** All that run and that nobody told to stop. */
  async #succeedTogether(): Promise<boolean> {
    const running = this.#parts().filter((part) => part.state === "running" && !part.isCancelRequested);
    if (running.length === 0) return false;
    const jobs = running.map((part) => this.#of(part));
    for (const part of running) chordModel.finish(this.model, part, "succeeded");
    const { ended } = await succeedMembers(
      { ...partsOf(this.#system), worker },
      jobs.map(({ id, fence }) => ({
        id,
        fence,
        output: "1",
        keptDays: null,
        job: { workflow_id: this.#id },
      })),
    );
    expectSame("ended together", jobs.length, ended.size);
    return true;
  }

  /** Of everything where no part is given. */
  async #retry(part: ModelPart | undefined): Promise<void> {
    const id = part === undefined ? this.#id : this.#of(part).id;
    const expected =
      part === undefined ? chordModel.retryWorkflow(this.model) : chordModel.retryPart(this.model, part);
    const answer = await answerOf(
      inScope(this.#system, async (scope) => {
        if (part === undefined) await retryWorkflow(scope, partsOf(this.#system), id);
        else await retryJob(scope, partsOf(this.#system), id);
        return "retried" as const;
      }),
    );
    expectAnswer(this.#system, "retry", expected, answer);
    if (expected === "retried") notice(this.#system, expected);
  }
}
