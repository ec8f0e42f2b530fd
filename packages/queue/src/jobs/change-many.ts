import { isTerminal, jobStates } from "@millrace/contracts";
import type { JobState } from "@millrace/contracts";
import { isTransactionConflict } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { sleep } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { alreadyFinished, jobCountMismatch, jobNotFound, notRetryable, statesNotFit } from "../errors.ts";
import { mayPassLater } from "../worker/database-trouble.ts";
import { lockFreeRetried } from "../workflows/lock-retried.ts";
import { lockWorkflowsOfBlocked } from "../workflows/lock-workflows.ts";
import { withWriteScope } from "../write-scope.ts";
import { cancelLocked } from "./cancel.ts";
import type { CancelParts } from "./cancel.ts";
import { becameCancelled, findChangedAlong, isRelated, maxRelated } from "./changed-along.ts";
import { isOwnedBy } from "./list-jobs.ts";
import { lockFreeJobs } from "./lock-job.ts";
import { isRetryable, retryableStates, retryLocked } from "./retry.ts";
import type { RetryParts } from "./retry.ts";
import { chunkSize, countMatches, findMatches, firstId, readNow } from "./select-jobs.ts";
import type { JobSelection } from "./select-jobs.ts";

/** Few enough that their rows are locked for a fraction of a second, whatever their tasks do with them. */
const batchSize = 100;
const defaultMaxMs = 20_000;
/** Jobs that others held, such as those that are claimed in this moment, are come back to, after a wait. */
const maxRounds = 4;
const betweenRoundsMs = 100;
/** Failures that are told one by one. */
const maxFailures = 100;

export type ChangeManyOptions = {
  /** What the person was told there is: with another number nothing is done. Default: any number. */
  readonly expectedCount?: number | undefined;
  /** At most so many jobs. Default: all. */
  readonly limit?: number | undefined;
  /** How long it goes on: it ends after the batch in which the time is over. Default 20 s. */
  readonly maxMs?: number | undefined;
  /** Ends it after the batch at hand. */
  readonly signal?: AbortSignal | undefined;
};

export type ChangedMany = {
  readonly matched: number;
  /** With those of them that were put back, cancelled or told to stop because of another. */
  readonly changed: number;
  /** Jobs that others held or changed all the time, or that could not be changed: `failures` says why. */
  readonly skipped: number;
  /** Jobs that there was no time for, or that are beyond the limit. */
  readonly left: number;
  /** When it began, by the database's clock: who goes on later leaves out what came after. */
  readonly asOf: Date;
  /** At most 100. */
  readonly failures: readonly JobFailure[];
};

type JobFailure = { readonly id: string; readonly error: unknown };

/** What is done with jobs that are in one of some states. */
type Change = {
  readonly states: readonly JobState[];
  /** What was so when it began: jobs that come to fit later are none of its business. */
  readonly since: (asOf: string) => RawBuilder<unknown>;
  /** Why a job that is named by its id can't be changed as it is. */
  readonly refuse: (id: string, state: JobState) => unknown;
  /** What is so of a job that had to be changed, and was changed along with another. */
  readonly became: (asOf: string) => RawBuilder<unknown>;
  /** All that can be got hold of, or none with the error of one. Returns which. */
  readonly run: (ids: readonly string[], isStill: RawBuilder<unknown>) => Promise<readonly string[]>;
};

/**
 * Puts many failed, cancelled or expired jobs back in line, each as `retryJob` does, in transactions of a
 * hundred. Without states only the failed ones, or of jobs that are named by their ids all that can be. A job
 * that can't be retried does not keep the others. Throws `states_not_fit`, or `job_count_mismatch` before
 * anything is done.
 */
export async function retryJobs(
  parts: RetryParts & { readonly database: QueryAccess },
  selection: JobSelection,
  options: ChangeManyOptions = {},
): Promise<ChangedMany> {
  const { ids, states = ids === undefined ? ["failed"] : retryableStates } = selection;
  if (!states.every(isRetryable)) throw statesNotFit("retried", states);
  const run: Change["run"] = (batch, isStill) =>
    withWriteScope(
      parts.database,
      async (scope) => {
        const retried = await lockFreeRetried(scope.transaction, batch, isStill);
        await retryLocked(scope, parts, retried);
        return retried.asked.map(({ id }) => id);
      },
      "retry_many",
    );
  return await changeMany(parts.database, selection, options, {
    states,
    since: (asOf) => sql`job.finished_at <= ${asOf}::timestamptz`,
    became: (asOf) => sql`(job.finished_at IS NULL OR job.finished_at > ${asOf}::timestamptz)`,
    refuse: (id, state) => (isRetryable(state) ? undefined : notRetryable(id, state)),
    run,
  });
}

/**
 * Cancels many jobs, each as `cancelJob` does with all that is below it, in transactions of a hundred.
 * Without states all that have not ended. A job that can't be ended does not keep the others. Throws as
 * `retryJobs` does.
 */
export async function cancelJobs(
  parts: CancelParts & { readonly database: QueryAccess },
  selection: JobSelection,
  options: ChangeManyOptions = {},
): Promise<ChangedMany> {
  const { states = openStates } = selection;
  if (states.some(isTerminal)) throw statesNotFit("cancelled", states);
  const run: Change["run"] = (batch, isStill) =>
    withWriteScope(
      parts.database,
      async (scope) => {
        await lockWorkflowsOfBlocked(scope.transaction, batch);
        const jobs = await lockFreeJobs(scope.transaction, batch, isStill);
        if (jobs.length > 0) await cancelLocked(scope, parts, jobs);
        return jobs.map(({ id }) => id);
      },
      "cancel_many",
    );
  return await changeMany(parts.database, selection, options, {
    states,
    // One whose cancel was asked for needs nothing more.
    since: (asOf) => sql`job.created_at <= ${asOf}::timestamptz AND job.cancel_requested_at IS NULL`,
    became: () => becameCancelled,
    refuse: (id, state) =>
      isTerminal(state) && state !== "cancelled" ? alreadyFinished(id, state) : undefined,
    run,
  });
}

const openStates = jobStates.filter((state) => !isTerminal(state));

async function changeMany(
  database: QueryAccess,
  selection: JobSelection,
  options: ChangeManyOptions,
  change: Change,
): Promise<ChangedMany> {
  const { expectedCount, limit = Number.POSITIVE_INFINITY, maxMs = defaultMaxMs, signal } = options;
  const endMs = performance.now() + maxMs;
  const asOf = await readNow(database);
  const since = change.since(asOf.text);
  const matched = await countMatches(database, selection, change.states, since);
  if (expectedCount !== undefined && matched !== expectedCount)
    throw jobCountMismatch(expectedCount, matched);
  const refused = await findRefused(database, selection, change);
  const related = await findRelated(database, selection, change.states, since);
  const done: Done = { changed: 0, failures: new Map(), related };
  const room = (): number => {
    const isOver = performance.now() > endMs || signal?.aborted === true;
    return isOver ? 0 : Math.max(0, limit - done.changed - done.failures.size);
  };
  for (let round = 0; round < maxRounds; round++) {
    if (round > 0) await sleep(betweenRoundsMs);
    const held = await changeRound(database, selection, { change, since, done, room });
    if (held === 0 || room() === 0) break;
  }
  const isOver = room() === 0;
  for (const id of await findChangedAlong(database, related, change.became(asOf.text))) {
    done.changed++;
    done.failures.delete(id);
  }
  const { changed, failures } = done;
  // Those that were not come to, or that are as they were although they were.
  const others = Math.max(0, matched - changed);
  const skipped = isOver ? Math.min(others, failures.size) : others;
  return {
    matched,
    changed,
    skipped,
    left: others - skipped,
    asOf: asOf.date,
    failures: [...refused, ...[...failures].map(([id, error]) => ({ id, error }))].slice(0, maxFailures),
  };
}

type Done = {
  changed: number;
  /** Jobs that can't be changed, and why. */
  readonly failures: Map<string, unknown>;
  /** Those that may be changed along with others, and have not been changed themselves. */
  readonly related: Set<string>;
};

type Round = {
  readonly change: Change;
  readonly since: RawBuilder<unknown>;
  readonly done: Done;
  /** How many more may be changed; 0 when the time is over. */
  readonly room: () => number;
};

/** Goes once through the jobs of each state in the order of their ids. Returns how many others held. */
async function changeRound(
  database: QueryAccess,
  selection: JobSelection,
  { change, since, done, room }: Round,
): Promise<number> {
  let held = 0;
  for (const state of change.states) {
    const isStill = sql`job.state = ${state} AND ${since}`;
    for (let after = firstId; room() > 0;) {
      const found = await findMatches(database, { ...selection, states: [state] }, { since, after });
      const ids = found.filter((id) => !done.failures.has(id));
      for (let at = 0; at < ids.length && room() > 0;) {
        const batch = ids.slice(at, at + Math.min(batchSize, room()));
        held += await changeBatch(change, batch, isStill, done);
        at += batch.length;
      }
      const last = found.at(-1);
      if (last === undefined || found.length < chunkSize) break;
      after = last;
    }
  }
  return held;
}

/** All in one transaction or, when one of them can't be changed, each in its own. Returns how many others held. */
async function changeBatch(
  change: Change,
  ids: readonly string[],
  isStill: RawBuilder<unknown>,
  done: Done,
): Promise<number> {
  try {
    return ids.length - count(done, await change.run(ids, isStill));
  } catch (error) {
    // Somebody changes the same jobs or their workflows: they are come back to.
    if (isTransactionConflict(error)) return ids.length;
    if (mayPassLater(error)) throw error;
  }
  // Whose failure it was comes out when it fails alone.
  let held = 0;
  for (const id of ids) {
    try {
      held += 1 - count(done, await change.run([id], isStill));
    } catch (error) {
      if (mayPassLater(error)) throw error;
      done.failures.set(id, error);
    }
  }
  return held;
}

function count(done: Done, changed: readonly string[]): number {
  done.changed += changed.length;
  for (const id of changed) done.related.delete(id);
  return changed.length;
}

async function findRelated(
  database: QueryAccess,
  selection: JobSelection,
  states: readonly JobState[],
  since: RawBuilder<unknown>,
): Promise<Set<string>> {
  const related = new Set<string>();
  for (const state of states) {
    for (let after = firstId; related.size < maxRelated;) {
      const found = await findMatches(
        database,
        { ...selection, states: [state] },
        { since: sql`${since} AND ${isRelated}`, after },
      );
      for (const id of found) related.add(id);
      const last = found.at(-1);
      if (last === undefined || found.length < chunkSize) break;
      after = last;
    }
  }
  return related;
}

/** Of jobs that are named by their ids: why some can't be changed, as the single call would say. */
async function findRefused(
  database: QueryAccess,
  { ids, owners }: JobSelection,
  { refuse }: Change,
): Promise<JobFailure[]> {
  if (ids === undefined) return [];
  const found = await sql<{ id: string; state: JobState }>`
    SELECT id, state FROM job WHERE id = ANY(${[...ids]}::uuid[]) AND ${isOwnedBy(owners)}`.execute(
    database.queryable,
  );
  const states = new Map(found.rows.map(({ id, state }) => [id, state]));
  return [...new Set(ids)].flatMap((id) => {
    const state = states.get(id);
    const error = state === undefined ? jobNotFound(id) : refuse(id, state);
    return error === undefined ? [] : [{ id, error }];
  });
}
