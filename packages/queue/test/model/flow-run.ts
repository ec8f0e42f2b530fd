/** Random flows of any shape on the real queue: what is done to them, and what must be true after each step. */
import { isTerminal } from "@millrace/contracts";
import { silentLogger } from "@millrace/kernel";
import * as fc from "fast-check";
import { sql } from "kysely";
import { z } from "zod";
import { defineTask, Queue } from "../../src/index.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import { cancelJob } from "../../src/jobs/cancel.ts";
import { claimJobs } from "../../src/jobs/claim.ts";
import { finishAttempt } from "../../src/jobs/finish-attempt.ts";
import type { AttemptEnd } from "../../src/jobs/finish-attempt.ts";
import { retryJob } from "../../src/jobs/retry.ts";
import { succeedMembers } from "../../src/jobs/succeed-jobs.ts";
import { cancelWorkflow } from "../../src/workflows/cancel-workflow.ts";
import { Flow } from "../../src/workflows/flow.ts";
import type { FlowNode } from "../../src/workflows/flow.ts";
import { retryWorkflow } from "../../src/workflows/retry-workflow.ts";
import { stopAllMembers } from "../../src/workflows/stop-members.ts";
import { answerOf, expectSame, pick } from "./command.ts";
import { SeenTree, withoutErrors } from "./flow-rules.ts";
import type { SeenJob, SeenNode } from "./flow-rules.ts";
import { inScope, notice, partsOf } from "./system.ts";
import type { QueueSystem } from "./system.ts";
import { durations } from "./world.ts";

/** Gives lists, so that a map may follow each. */
const part = defineTask({
  name: "model.flow_part",
  queue: "flows",
  input: z.unknown(),
  output: z.array(z.unknown()),
  retries: 0,
});
const worker = { id: "0190a000-0000-7000-9000-000000000001", name: "w0" };

const stepKinds = [
  ...[
    "claim",
    "claim",
    "claim",
    "claim",
    "claim",
    "claim",
    "succeed",
    "succeed",
    "succeed",
    "succeed",
    "succeed",
  ],
  ...["fail", "fail", "succeed together", "stop", "cancel a job", "cancel a job", "cancel the workflow"],
  ...["retry a job", "retry the workflow"],
] as const;
type StepKind = (typeof stepKinds)[number];

const policies = fc.constantFrom("stop" as const, "finish" as const, "collect" as const);

/** What stands first has nothing to take, nor has what stands first in that. */
function anyFlow(depth: number, isFirst: boolean): fc.Arbitrary<FlowNode> {
  const plain = { kind: "job", task: part, takesKey: null, options: {} } as const;
  const given = fc.constant({ ...plain, input: "given", takes: "nothing" as const });
  const asked = fc.constant({ ...plain, input: undefined, takes: "all" as const });
  const job: fc.Arbitrary<FlowNode> = isFirst ? given : fc.oneof(asked, asked, given);
  if (depth === 0) return job;
  const inner = anyFlow(depth - 1, isFirst);
  const later = anyFlow(depth - 1, false);
  const group = fc.record({
    kind: fc.constant("group" as const),
    parts: fc.array(inner, { maxLength: 3 }),
    policy: policies,
  });
  const map = fc.record({ kind: fc.constant("map" as const), task: fc.constant(part), policy: policies });
  const chain = fc
    .tuple(inner, fc.array(later, { maxLength: 2 }))
    .map(([first, rest]) => ({ kind: "chain" as const, parts: [first, ...rest] }));
  const chord = fc
    .tuple(group, later)
    .map((parts) => ({ kind: "chord" as const, parts: [...parts] as const }));
  return fc.oneof(job, group, group, chain, chain, chord, ...(isFirst ? [] : [map]));
}

export const flowArbitrary = fc.record({
  flow: anyFlow(3, true),
  steps: fc.array(fc.record({ kind: fc.constantFrom(...stepKinds), which: fc.nat({ max: 11 }) }), {
    minLength: 5,
    maxLength: 40,
  }),
});
type FlowGiven = typeof flowArbitrary extends fc.Arbitrary<infer Value> ? Value : never;

/**
 * Does the steps; then all that is left succeeds, which must end the workflow. One that has not succeeded then is tried
 * again: when nothing fails any more it must succeed.
 */
export async function runFlow(system: QueueSystem, { flow, steps }: FlowGiven): Promise<void> {
  const queue = new Queue({ database: system.database, logger: silentLogger, handlers: [] });
  const { id } = await queue.workflows.start(new Flow<undefined, unknown>(flow));
  const run = new FlowRun(system, id);
  await run.check("the start");
  for (const { kind, which } of steps) {
    if (!(await run.do(kind, which))) continue;
    notice(system, kind);
    await run.check(kind);
  }
  await run.finishAll();
  if (run.state !== "succeeded") {
    expectSame("the retry", "retried", await run.retry());
    await run.check("the last retry");
    await run.finishAll();
  }
  expectSame("the workflow in the end", "succeeded", run.state);
  const given = await queue.workflows.result({ id });
  expectSame("what it gives", run.tree.outputOf(run.tree.root), withoutErrors(given));
  expectSame("problems", [], await findQueueProblems(system.database.queryable));
}

/** In the report of a failure. */
export function sayFlow(node: FlowNode): string {
  if (node.kind === "job") return `step(${node.takes})`;
  const policy = "policy" in node ? ` ${node.policy}` : "";
  return `${node.kind}${policy}(${node.kind === "map" ? "" : node.parts.map(sayFlow).join(", ")})`;
}

class FlowRun {
  tree = new SeenTree([]);
  state = "";
  readonly #system: QueueSystem;
  readonly #id: string;

  constructor(system: QueueSystem, id: string) {
    this.#system = system;
    this.#id = id;
  }

  /** False when it is not possible now. */
  async do(kind: StepKind, which: number): Promise<boolean> {
    switch (kind) {
      case "claim":
        return await this.#claim();
      case "succeed":
      case "fail": {
        const running = this.tree.jobs("running");
        if (running.length === 0) return false;
        await this.#finish(pick(running, which), kind === "fail" ? failure : this.#success(which));
        return true;
      }
      case "succeed together":
        return await this.#succeedTogether();
      case "stop":
        await stopAllMembers(partsOf(this.#system));
        return true;
      case "cancel a job": {
        const open = this.tree.jobs("blocked", "queued", "running");
        if (open.length === 0) return false;
        const { id } = pick(open, which);
        await inScope(this.#system, (scope) => cancelJob(scope, partsOf(this.#system), id));
        return true;
      }
      case "cancel the workflow":
        await this.#ask((scope) => cancelWorkflow(scope, partsOf(this.#system), this.#id));
        return true;
      case "retry a job": {
        const jobs = this.tree.jobs();
        if (jobs.length === 0) return false;
        const { id } = pick(jobs, which);
        await this.#ask((scope) => retryJob(scope, partsOf(this.#system), id));
        return true;
      }
      case "retry the workflow":
        await this.retry();
        return true;
    }
  }

  /** "retried", or the refusal. */
  async retry(): Promise<unknown> {
    return await this.#ask(async (scope) => {
      await retryWorkflow(scope, partsOf(this.#system), this.#id);
      return "retried";
    });
  }

  /** Whatever can run does, and succeeds, until nothing can. */
  async finishAll(): Promise<void> {
    const maxTurns = 1_000;
    for (let turn = 0; this.state === "running"; turn++) {
      expectSame("it comes to an end", true, turn < maxTurns);
      await stopAllMembers(partsOf(this.#system));
      await this.check("a stop at the end");
      const running = this.tree.jobs("running");
      if (!(await this.#claim()) && running.length === 0 && this.state === "running")
        throw new Error(`nothing of it can run: ${JSON.stringify(this.tree.nodes)}`);
      await this.check("a claim at the end");
      const [first] = this.tree.jobs("running");
      if (first !== undefined) await this.#finish(first, this.#success(turn));
      await this.check("a success at the end");
    }
  }

  async check(after: string): Promise<void> {
    const found = await sql<{ workflow: string; ended: number; nodes: readonly SeenNode[] }>`
      SELECT workflow.state AS workflow, workflow.ended_jobs AS ended, (
        SELECT json_agg(json_build_object('number', node.number, 'parent', node.parent, 'position', node.position,
          'kind', node.kind, 'policy', node.policy, 'state', node.state, 'size', node.size, 'remaining', node.remaining,
          'unsuccessful', node.unsuccessful, 'takes', node.takes, 'job', CASE WHEN job.id IS NOT NULL THEN json_build_object(
            'id', job.id, 'state', job.state, 'fence', job.fence, 'input', payload.input, 'output', job.output,
            'successes', (SELECT count(*) FROM ended_attempt WHERE job_id = job.id AND outcome = 'succeeded')) END)
          ORDER BY node.number)
        FROM workflow_node AS node LEFT JOIN job ON job.id = node.job_id
        LEFT JOIN job_payload AS payload ON payload.job_id = job.id WHERE node.workflow_id = workflow.id) AS nodes
      FROM workflow WHERE id = ${this.#id}`.execute(this.#system.database.queryable);
    const [row] = found.rows;
    if (row === undefined) throw new Error("the workflow is gone");
    this.tree = new SeenTree(row.nodes);
    this.state = row.workflow;
    const problems = this.tree.problems();
    const { state } = this.tree.root;
    const hasFailed = (one: string): boolean => ["failed", "cancelled", "skipped"].includes(one);
    if (row.workflow !== state && !(hasFailed(row.workflow) && hasFailed(state)))
      problems.push(`the workflow is ${row.workflow}, and its root ${state}`);
    const ended = row.nodes.filter(({ job }) => job !== null && isTerminal(job.state)).length;
    if (ended !== row.ended) problems.push(`${row.ended} jobs are counted as ended of ${ended}`);
    if (problems.length > 0) throw new Error(`after ${after}:\n  ${problems.join("\n  ")}`);
  }

  async #ask<Answer>(work: Parameters<typeof inScope<Answer>>[1]): Promise<unknown> {
    const answer = await answerOf(inScope(this.#system, work));
    const isRefused = typeof answer === "object" && answer !== null && "refused" in answer;
    notice(this.#system, String(isRefused ? answer.refused : (answer ?? "retried")));
    return answer;
  }

  async #claim(): Promise<boolean> {
    const { jobs } = await claimJobs(this.#system.database, {
      queue: part.queue,
      taskKeys: [`${part.name}@1`],
      limit: 1,
      worker,
      leaseMs: durations.leaseMs,
      oldest: 0,
    });
    return jobs.length > 0;
  }

  #success(which: number): AttemptEnd {
    return {
      outcome: "succeeded",
      output: Array.from({ length: which % 3 }, (_none, nth) => `${which}.${nth}`),
    };
  }

  async #finish(job: SeenJob, end: AttemptEnd): Promise<void> {
    const isHeld = await inScope(this.#system, (scope) =>
      finishAttempt(scope, partsOf(this.#system), job, {
        end,
        writeFirst: () => Promise.resolve(),
        skipsHook: false,
      }),
    );
    expectSame("it is still held", true, isHeld);
  }

  async #succeedTogether(): Promise<boolean> {
    const running = this.tree.jobs("running");
    if (running.length === 0) return false;
    await succeedMembers(
      { ...partsOf(this.#system), worker },
      running.map(({ id, fence }, nth) => ({
        id,
        fence,
        output: JSON.stringify([nth]),
        keptDays: null,
        job: { workflow_id: this.#id },
      })),
    );
    return true;
  }
}

const failure: AttemptEnd = {
  outcome: "failed",
  error: { code: "model_failure", message: "as the test said" },
  retryInMs: undefined,
};
