import type { Transaction } from "@millrace/database";
import type { ClaimRequest } from "../jobs/claim.ts";
import { admit } from "./admit.ts";
import type { Admission, Room } from "./admit.ts";
import { comparePlaces, lockHeads, lockQueued } from "./candidates.ts";
import type { ClaimChoice, LockedCandidate } from "./candidates.ts";
import { lockLimiters } from "./limiter-rows.ts";
import type { LockedLimiter } from "./limiter-rows.ts";
import { limitersOf } from "./limits.ts";
import type { Limiter, LimitsOf } from "./limits.ts";
import { readLines } from "./lines.ts";
import type { Line } from "./lines.ts";

export type LimitedClaimRequest = Omit<ClaimRequest, "oldest"> & {
  readonly choice: ClaimChoice;
  readonly limitsOf: LimitsOf;
  /**
   * Queued jobs to look at, at least `limit`: what a limit holds back among them is parked, and never
   * looked at again before the limit has room.
   */
  readonly lookAhead: number;
  /** Whether only lines are looked at, and no queued jobs. Default false. */
  readonly isQueueResting?: boolean;
  /** Lines to look at, besides those of the queued jobs: all after a key ("" for the first), and single ones. */
  readonly lines: { readonly after?: string; readonly keys?: readonly string[] };
};

export type Choice = {
  readonly admission: Admission;
  readonly heads: readonly LockedCandidate[];
  readonly lines: readonly Line[];
  readonly locked: ReadonlyMap<string, LockedLimiter>;
  readonly isMore: boolean;
};

/** Locks what could start and what limits it, and decides. */
export async function chooseJobs(
  transaction: Transaction,
  request: LimitedClaimRequest,
  known: { readonly lines: readonly Line[]; readonly wanted: number; readonly hasQueued: boolean },
): Promise<Choice> {
  const { limitsOf, lookAhead } = request;
  const { wanted, hasQueued } = known;
  const queued = hasQueued ? await lockQueued(transaction, request, lookAhead) : [];
  const ofQueued = unique(queued.flatMap((job) => limitersOf(job, limitsOf)));
  const lines = await addLines(transaction, request, known.lines, ofQueued);
  const opened = openLines(request, lines, { ofQueued, wanted });
  const heads = await lockHeads(transaction, request, opened);

  const candidates = [...queued, ...heads].toSorted(comparePlaces(request.choice)).map((job) => ({
    id: job.id,
    priority: job.priority,
    parkedBy: job.parked_by,
    limiters: limitersOf(job, limitsOf),
  }));
  const locked = await lockLimiters(
    transaction,
    request,
    unique(candidates.flatMap(({ limiters }) => limiters)),
  );
  const admission = admit(
    candidates.map(({ limiters, ...job }) => ({ ...job, limiterKeys: limiters.map(({ key }) => key) })),
    roomsOf(locked, linePriorities(request, lines)),
    wanted,
  );
  const left = new Set([...admission.admitted, ...admission.parked.map(({ id }) => id)]);
  const isMore = queued.length === lookAhead || heads.some(({ id }) => left.has(id));
  return { admission, heads, lines, locked, isMore: isMore && admission.admitted.length < wanted };
}

/** Lines of queued jobs are looked at always: those who wait there may go before them. */
async function addLines(
  transaction: Transaction,
  request: LimitedClaimRequest,
  known: readonly Line[],
  limiters: readonly Limiter[],
): Promise<readonly Line[]> {
  const keys = new Set(known.map(({ limiter }) => limiter.key));
  const others = limiters.filter(({ key }) => !keys.has(key));
  return [...known, ...(await readLines(transaction, request, others))];
}

type OpenedLine = { readonly key: string; readonly count: number };

/** From which lines jobs are taken, and how many: of those that have room, the ones whose first job is best. */
function openLines(
  request: LimitedClaimRequest,
  lines: readonly Line[],
  { ofQueued, wanted }: { readonly ofQueued: readonly Limiter[]; readonly wanted: number },
): readonly OpenedLine[] {
  const needed = new Set(ofQueued.map(({ key }) => key));
  const compare = comparePlaces(request.choice);
  const open = lines
    .filter(({ room }) => room >= 1)
    .toSorted((left, right) => compare(left.head, right.head));
  const best = new Set(open.slice(0, wanted));
  const chosen = open.filter((line) => best.has(line) || needed.has(line.limiter.key));
  // What one line leaves of its part the next claim takes from others.
  const part = Math.ceil(wanted / chosen.length);
  return chosen.map(({ limiter, room }) => ({ key: limiter.key, count: Math.min(room, part) }));
}

/** See `Room.linePriority`. Who asks for the oldest lets nobody pass who does not stand in line yet. */
function linePriorities(
  { choice }: LimitedClaimRequest,
  lines: readonly Line[],
): ReadonlyMap<string, number> {
  return new Map(
    lines.map(({ limiter, head }) => [limiter.key, choice === "oldest" ? Infinity : head.priority]),
  );
}

function roomsOf(
  locked: ReadonlyMap<string, LockedLimiter>,
  priorities: ReadonlyMap<string, number>,
): ReadonlyMap<string, Room> {
  return new Map(
    [...locked].map(([key, { tokens, slots, reserved }]) => [
      key,
      { tokens, slots, reserved, linePriority: priorities.get(key) },
    ]),
  );
}

function unique(limiters: readonly Limiter[]): readonly Limiter[] {
  return [...new Map(limiters.map((limiter) => [limiter.key, limiter])).values()];
}
