import type { QueryAccess, Transaction } from "@millrace/database";
import { sql } from "kysely";
import { crashPoint } from "../crash-point.ts";
import { inOrder } from "../jobs/claim.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { TellingJob } from "../jobs/transition.ts";
import { roomFor } from "./admit.ts";
import { chooseJobs } from "./choose-jobs.ts";
import type { Choice, LimitedClaimRequest } from "./choose-jobs.ts";
import { storeTokens } from "./limiter-rows.ts";
import type { TokensLeft } from "./limiter-rows.ts";
import { limiterOf } from "./limits.ts";
import { listLines, readLines } from "./lines.ts";
import type { Line } from "./lines.ts";
import { parkJobs, unparkJobs } from "./parked-jobs.ts";
import { enterGate, readGate } from "./queue-gate.ts";
import { fillSeconds, nextTokenInMs } from "./token-bucket.ts";

/** Lines that one claim looks at: some 10 ms of the database's time. The next claim goes on after them. */
const maxLines = 1000;

export type LimitedClaim = {
  readonly jobs: readonly ClaimedJob[];
  /** Jobs that wait for a limit from now on, or for another one than before. */
  readonly parked: readonly TellingJob[];
  /** Jobs that left a line, and were claimed at once. */
  readonly released: readonly TellingJob[];
  /** Fewer were claimed than asked for, but another claim may find more. */
  readonly isMore: boolean;
  /** A line that was looked at has room still. */
  readonly isLineOpen: boolean;
  /** When the rate of a line that was looked at allows the next start; undefined when none waits for that. */
  readonly nextInMs: number | undefined;
  /** The last line that was looked at, when there may be more after it. */
  readonly linesTo: string | undefined;
};

const nothing: LimitedClaim = {
  jobs: [],
  parked: [],
  released: [],
  isMore: false,
  isLineOpen: false,
  nextInMs: undefined,
  linesTo: undefined,
};

/**
 * Takes jobs of one queue as `claimJobs` does, but no more than the limits allow: the rate and the
 * concurrency of their tasks and keys, over all workers, and `max_running` of the queue and of all
 * queues. Queued jobs that a limit holds back are parked: they leave the index that claims read and wait
 * in the limiter's line, from where a later claim takes them in their order. A job is parked once for
 * each limiter that holds it, however long it waits and however many workers look, and again for its key only
 * when a job of a higher priority, or one that this worker does not run, was started before it.
 *
 * Locks in this order: rows of queue_control and the gates, jobs (passing over those that others have
 * locked), limiters by key. A claim that finds nothing to do writes nothing.
 */
export async function claimWithLimits(
  database: QueryAccess,
  request: LimitedClaimRequest,
): Promise<LimitedClaim> {
  const claim = await database.transaction(async (transaction) => {
    const claimed = await claimIn(transaction, request);
    crashPoint("claim_limited", "before");
    return claimed;
  });
  crashPoint("claim_limited", "after");
  return claim;
}

async function claimIn(transaction: Transaction, request: LimitedClaimRequest): Promise<LimitedClaim> {
  const { queue, limit, isQueueResting = false } = request;
  const seen = await readGate(transaction, queue);
  if (!seen.isOpen || seen.room <= 0) return nothing;
  const { lines, linesTo } = await readAskedLines(transaction, request);
  const hasQueued = seen.hasQueued && !isQueueResting;
  if (!hasQueued && !lines.some(({ room }) => room >= 1)) {
    return { ...nothing, nextInMs: soonest(lines.map(({ nextInMs }) => nextInMs)), linesTo };
  }
  const gate = await enterGate(transaction, queue, seen);
  const wanted = Math.min(limit, gate.room);
  if (!gate.isOpen || wanted <= 0) return nothing;
  const choice = await chooseJobs(transaction, request, { lines, wanted, hasQueued });
  const { admission, isMore } = choice;
  const parked = await parkJobs(transaction, admission.parked);
  const released = await unparkJobs(transaction, admittedFromLines(choice));
  const jobs = await takeJobs(transaction, request, admission.admitted);
  await storeTokens(transaction, tokensLeft(choice));
  return { jobs, parked, released, isMore, linesTo, ...outlook(choice) };
}

async function readAskedLines(
  transaction: Transaction,
  request: LimitedClaimRequest,
): Promise<{ readonly lines: readonly Line[]; readonly linesTo: string | undefined }> {
  const { queue, limitsOf } = request;
  const { after, keys = [] } = request.lines;
  const listed =
    after === undefined
      ? []
      : await listLines(transaction, { queue, key: after }, { count: maxLines, of: "queue" });
  const found = listed.map(({ key }) => key);
  const limiters = [...new Set([...keys, ...found])].flatMap((key) => limiterOf(key, limitsOf) ?? []);
  return {
    lines: await readLines(transaction, request, limiters),
    linesTo: found.length === maxLines ? found.at(-1) : undefined,
  };
}

function admittedFromLines({ admission, heads }: Choice): readonly string[] {
  const inLine = new Set(heads.map(({ id }) => id));
  return admission.admitted.filter((id) => inLine.has(id));
}

/** As the plain claim does: `take_jobs`, migration 8. */
async function takeJobs(
  transaction: Transaction,
  { worker, leaseMs }: LimitedClaimRequest,
  ids: readonly string[],
): Promise<readonly ClaimedJob[]> {
  if (ids.length === 0) return [];
  const taken = await sql<ClaimedJob>`
    SELECT * FROM take_jobs(${[...ids]}::uuid[], ${worker.id}::uuid, ${leaseMs}::double precision)`.execute(
    transaction,
  );
  return inOrder(taken.rows);
}

/** Of the buckets that jobs were started from. */
function tokensLeft({ admission, locked }: Choice): readonly TokensLeft[] {
  return [...admission.started].flatMap(([key, starts]) => {
    const { limiter, tokens: before, lockedAtSeconds } = locked.get(key) ?? {};
    if (limiter?.rateLimit === undefined || before === undefined || lockedAtSeconds === undefined) return [];
    const tokens = before - starts;
    const fullAtSeconds = lockedAtSeconds + fillSeconds(tokens, limiter.rateLimit);
    return [{ key, tokens, lockedAtSeconds, fullAtSeconds }];
  });
}

function outlook({ admission, lines, locked }: Choice): Pick<LimitedClaim, "isLineOpen" | "nextInMs"> {
  const { parked, started, left } = admission;
  const waits = new Map(lines.map(({ limiter, nextInMs }) => [limiter.key, nextInMs]));
  for (const { limiter } of parked) waits.set(limiter, undefined);
  for (const key of waits.keys()) {
    const now = locked.get(key);
    if (now?.limiter.rateLimit === undefined || now.tokens === undefined) continue;
    waits.set(key, nextTokenInMs(now.tokens - (started.get(key) ?? 0), now.limiter.rateLimit));
  }
  return {
    isLineOpen: lines.some(({ limiter: { key }, head, room }) => {
      const now = left.get(key);
      return (now === undefined ? room : roomFor(now, head.priority)) >= 1;
    }),
    nextInMs: soonest([...waits.values()]),
  };
}

function soonest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
