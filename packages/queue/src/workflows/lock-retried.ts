import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { LockedJob } from "../jobs/job-row.ts";
import { lockFreeJobs, lockJobs } from "../jobs/lock-job.ts";
import { lockWorkflows } from "./lock-workflows.ts";
import type { LockedWorkflow } from "./lock-workflows.ts";
import { nodesAbove } from "./nodes-above.ts";
import { workflowJobWasSkipped } from "./workflow-errors.ts";

/** Jobs that are to be tried again, locked, and their workflows after all of them. */
export type RetriedJobs = {
  readonly asked: readonly LockedJob[];
  /** Members of the same groups that were cancelled because those did not succeed. */
  readonly further: readonly LockedJob[];
  /** Not those that were purged before their members. */
  readonly workflows: ReadonlyMap<string, LockedWorkflow>;
};

type Asked = {
  /** Of the jobs that somebody asked for. Called again under the locks, which are taken again when it grew. */
  readonly find: () => Promise<readonly string[]>;
  /** Throws when one of them can't be retried. They are locked, their workflows not yet. */
  readonly check?: (jobs: readonly LockedJob[]) => void;
  /** A workflow that is locked in any case. */
  readonly workflowId?: string;
};

/**
 * Locks jobs with what is tried again with them: all jobs by their ids, then the workflows. One after another
 * would wait for somebody who retries another member of the same group and waits for this. Throws
 * `workflow_job_was_skipped` for a job whose turn never came.
 */
export async function lockRetried(transaction: Transaction, asked: Asked): Promise<RetriedJobs> {
  for (;;) {
    await sql`SAVEPOINT before_retried`.execute(transaction);
    const jobs = new Map<string, LockedJob>();
    const seen = await asked.find();
    const stopped = await findStopped(transaction, seen);
    for (const job of await lockJobs(transaction, [...seen, ...idsOf(stopped)])) jobs.set(job.id, job);
    asked.check?.(pick(jobs, seen));
    await assertReached(transaction, seen);
    const workflowIds = workflowIdsOf(jobs.values());
    if (asked.workflowId !== undefined) workflowIds.push(asked.workflowId);
    const workflows = await lockWorkflows(transaction, workflowIds);
    const ids = await asked.find();
    const further = idsOf(await findStopped(transaction, ids));
    const known = new Set([...seen, ...idsOf(stopped)]);
    if ([...ids, ...further].every((id) => known.has(id))) {
      await sql`RELEASE SAVEPOINT before_retried`.execute(transaction);
      return { asked: pick(jobs, ids), further: pick(jobs, further), workflows };
    }
    // Others ended meanwhile, and would be locked after the workflow.
    await sql`ROLLBACK TO SAVEPOINT before_retried`.execute(transaction);
  }
}

/**
 * The same for those of several jobs that nobody else holds, and of which `condition` is true. Of a workflow of
 * which somebody holds a job that belongs to it, none.
 */
export async function lockFreeRetried(
  transaction: Transaction,
  ids: readonly string[],
  condition: RawBuilder<unknown>,
): Promise<RetriedJobs> {
  const stopped = await findStopped(transaction, ids);
  const free = await lockFreeJobs(transaction, ids, condition);
  const workflowIds = workflowIdsOf(free);
  if (workflowIds.length === 0) return { asked: free, further: [], workflows: new Map() };
  const freeIds = free.map(({ id }) => id);
  const others = await lockFreeJobs(transaction, idsOf(stopped), sql`true`);
  await assertReached(transaction, freeIds);
  const workflows = new Map(await lockWorkflows(transaction, workflowIds));
  const further = await findStopped(transaction, freeIds);
  const jobs = new Map([...free, ...others].map((job) => [job.id, job]));
  const held = new Set(further.filter(({ job_id }) => !jobs.has(job_id)).map((row) => row.workflow_id));
  for (const id of held) workflows.delete(id);
  const isWhole = ({ workflow_id }: LockedJob): boolean => workflow_id === null || !held.has(workflow_id);
  return {
    asked: free.filter(isWhole),
    further: pick(jobs, idsOf(further)).filter(isWhole),
    workflows,
  };
}

type StoppedMember = { readonly job_id: string; readonly workflow_id: string };

/** Members of the same groups that were cancelled because these did not succeed. */
async function findStopped(transaction: Transaction, ids: readonly string[]): Promise<StoppedMember[]> {
  const found = await sql<StoppedMember>`
    ${nodesAbove(ids)}, below AS (
      SELECT workflow_id, number FROM above WHERE state IN ('failed', 'cancelled')
      UNION
      SELECT node.workflow_id, node.number FROM below
      JOIN workflow_node AS node ON node.workflow_id = below.workflow_id AND node.parent = below.number
      WHERE node.state = 'cancelled'
    )
    SELECT node.job_id, node.workflow_id FROM below
    JOIN workflow_node AS node ON node.workflow_id = below.workflow_id AND node.number = below.number
    WHERE node.job_id <> ALL(${[...ids]}::uuid[]) AND node.state = 'cancelled' AND node.is_stopping
    ORDER BY node.job_id`.execute(transaction);
  return found.rows;
}

/** Before the workflow is locked: whoever has it may be about to lock the jobs that it skipped. */
async function assertReached(transaction: Transaction, ids: readonly string[]): Promise<void> {
  const found = await sql<{ job_id: string }>`
    SELECT job_id FROM workflow_node WHERE job_id = ANY(${[...ids]}::uuid[]) AND state = 'skipped' LIMIT 1`.execute(
    transaction,
  );
  const [skipped] = found.rows;
  if (skipped !== undefined) throw workflowJobWasSkipped(skipped.job_id);
}

function idsOf(members: readonly StoppedMember[]): string[] {
  return members.map(({ job_id }) => job_id);
}

function workflowIdsOf(jobs: Iterable<LockedJob>): string[] {
  return [...jobs].flatMap(({ workflow_id }) => (workflow_id === null ? [] : [workflow_id]));
}

function pick(jobs: ReadonlyMap<string, LockedJob>, ids: readonly string[]): LockedJob[] {
  return ids.flatMap((id) => jobs.get(id) ?? []);
}
