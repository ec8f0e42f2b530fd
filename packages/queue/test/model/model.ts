import type { AttemptOutcome, JobState } from "@millrace/contracts";
import { isTerminal } from "@millrace/contracts";
import { durations, tasks } from "./world.ts";
import type { TaskName } from "./world.ts";

/**
 * What the queue promises, as a plain object and functions that change it: no database, no SQL, nothing
 * shared with the code that it judges. Everything is done one after the other here; whatever interleaving
 * the real queue allows must look like one of these orders.
 */
export type Model = {
  /**
   * The database's clock, in milliseconds since the run began. Besides the jumps it goes on by one with
   * each command, so that what was done earlier is earlier; the times that matter are minutes apart.
   */
  now: number;
  readonly jobs: Map<string, ModelJob>;
  /** Streams that jobs share. */
  readonly streams: Map<string, ModelStream>;
  /** Every claim that was ever given out, the oldest first. */
  readonly claims: ModelClaim[];
  /** Paused queues, with when they go on by themselves. */
  readonly pauses: Map<string, number | null>;
  readonly weights: Map<string, number>;
  /** Jobs at once by queue, `*` being all of them together. */
  readonly queueLimits: Map<string, number>;
  /** Nothing limits the tasks for now. */
  areLimitsLifted: boolean;
  /** Starts that a rate allows, as many as there were then. */
  readonly buckets: Map<string, { readonly tokens: number; readonly at: number }>;
  hasJumpedBack: boolean;
  /** The ends up to which the events of jobs' own streams were deleted. */
  eventsPrunedTo: number;
  nextNumber: number;
  /** What hooks must be told of by the command at hand, as `type id`. */
  told: string[];
};

export type ModelJob = {
  readonly request: EnqueueRequest;
  readonly id: string;
  readonly task: TaskName;
  readonly queue: string;
  readonly owner: string | null;
  readonly stream: string;
  readonly priority: number;
  readonly createdAt: number;
  state: JobState;
  reason: string | null;
  fair: number;
  runAt: number;
  expiresAt: number | null;
  attempt: number;
  maxAttempts: number;
  crashCount: number;
  runsAlone: boolean;
  fence: number;
  leaseUntil: number | null;
  isCancelRequested: boolean;
  finishedAt: number | null;
  purgeAt: number | null;
  parkedBy: string | null;
  result: { readonly output: unknown; readonly error: string | null } | null;
  readonly attempts: ModelAttempt[];
  /** Of its own stream; deleted ones are null. */
  events: (string | null)[];
};

export type ModelAttempt = {
  readonly fence: number;
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
  readonly error: string | null;
};

export type ModelStream = { events: (string | null)[]; endedAt: number | null };

export type ModelClaim = {
  readonly id: string;
  readonly fence: number;
  readonly worker: number;
  /** Its worker has died, and does nothing more. */
  isDead: boolean;
};

export type EnqueueRequest = {
  readonly id: string;
  readonly task: TaskName;
  readonly input: { readonly value: number; readonly key: string };
  readonly owner: string | null;
  readonly priority: number;
  readonly delayMs: number;
  readonly expiresInMs: number | null;
  readonly idempotencyKey: string | null;
  readonly parentId: string | null;
};

export type Refusal = { readonly refused: string };

export function createModel(): Model {
  return {
    now: 0,
    jobs: new Map(),
    streams: new Map(),
    claims: [],
    pauses: new Map(),
    weights: new Map(),
    queueLimits: new Map(),
    areLimitsLifted: false,
    hasJumpedBack: false,
    buckets: new Map(),
    eventsPrunedTo: Number.NEGATIVE_INFINITY,
    nextNumber: 1,
    told: [],
  };
}

/** Jobs in the order of their ids. */
export function allJobs(model: Model): ModelJob[] {
  return [...model.jobs.values()].toSorted((left, right) => (left.id < right.id ? -1 : 1));
}

/** The job that a claim still holds. */
export function heldJob(model: Model, claim: Pick<ModelClaim, "id" | "fence">): ModelJob | undefined {
  const job = model.jobs.get(claim.id);
  return job?.state === "running" && job.fence === claim.fence ? job : undefined;
}

// Enqueue

/** For each request the id of the job that is given for it, or why none can be. */
export type Given = { readonly id: string } | Refusal;

/**
 * Writes jobs, or finds those that stand in their way: with the same id, else the same idempotency key, else
 * the same unique key. `isTogether`: all or none.
 */
export function enqueue(
  model: Model,
  requests: readonly EnqueueRequest[],
  { isTogether }: { readonly isTogether: boolean },
): readonly Given[] | Refusal {
  const fresh: EnqueueRequest[] = [];
  const known = (): KnownRequest[] => [
    ...knownRequests(model),
    ...fresh.map((request) => ({ request, isOpen: true })),
  ];
  for (const request of requests) if (findDouble(known(), request) === undefined) fresh.push(request);
  // Only now, since a later one of the same call may stand under the key that an earlier one gave.
  const given = requests.map((request): Given => {
    if (fresh.includes(request)) return { id: request.id };
    return findDouble(known(), request) ?? { id: request.id };
  });
  const refusal = given.find((answer) => "refused" in answer);
  if (isTogether && refusal !== undefined) return refusal;
  // One that was turned away had come, so its place in the line stays empty.
  const places = fairPlaces(
    model,
    requests.map((request) => ({ ...request, queue: tasks[request.task].queue })),
  );
  for (const [index, request] of requests.entries()) {
    if (fresh.includes(request)) writeJob(model, request, places[index] ?? 0);
  }
  return given;
}

type KnownRequest = { readonly request: EnqueueRequest; readonly isOpen: boolean };

function knownRequests(model: Model): KnownRequest[] {
  return allJobs(model).map(({ request, state }) => ({ request, isOpen: !isTerminal(state) }));
}

function findDouble(known: readonly KnownRequest[], request: EnqueueRequest): Given | undefined {
  const others = known.filter((one) => one.request.task === request.task);
  const sameId = others.find((one) => one.request.id === request.id);
  const sameKey = others.find(
    (one) =>
      request.idempotencyKey !== null &&
      one.request.idempotencyKey === request.idempotencyKey &&
      one.request.owner === request.owner,
  );
  const named = sameId ?? sameKey;
  if (named !== undefined) {
    const isSame = JSON.stringify(named.request.input) === JSON.stringify(request.input);
    if (isSame) return { id: named.request.id };
    return { refused: named === sameId ? "job_id_taken" : "idempotency_key_reused" };
  }
  const pending = others.find(
    (one) => tasks[request.task].isUnique && one.isOpen && one.request.input.key === request.input.key,
  );
  return pending === undefined ? undefined : { id: pending.request.id };
}

function writeJob(model: Model, request: EnqueueRequest, fair: number): void {
  const { task, id, delayMs, expiresInMs } = request;
  const { queue, retries, sharesStream } = tasks[task];
  const job: ModelJob = {
    request,
    id,
    task,
    queue,
    owner: request.owner,
    stream: sharesStream ? `document:${request.input.key}` : `job:${id}`,
    priority: request.priority,
    createdAt: model.now,
    state: delayMs > 0 ? "scheduled" : "queued",
    reason: delayMs > 0 ? "delay" : null,
    fair,
    runAt: model.now + delayMs,
    expiresAt: expiresInMs === null ? null : model.now + expiresInMs,
    attempt: 0,
    maxAttempts: retries + 1,
    crashCount: 0,
    runsAlone: false,
    fence: 0,
    leaseUntil: null,
    isCancelRequested: false,
    finishedAt: null,
    purgeAt: null,
    parkedBy: null,
    result: null,
    attempts: [],
    events: [],
  };
  model.jobs.set(id, job);
  appendEvent(model, job, "queued");
  tell(model, "enqueued", job);
}

/**
 * Start-time fair queueing. A line is a queue, a priority and an owner. Who comes stands one turn behind
 * the last of its line that waits, and never before the first that waits in the queue at this priority.
 */
function fairPlaces(
  model: Model,
  coming: readonly { readonly queue: string; readonly priority: number; readonly owner: string | null }[],
): number[] {
  const next = new Map<string, number>();
  return coming.map(({ queue, priority, owner }) => {
    const waiting = waitingJobs(model, queue, priority);
    const own = waiting.filter((job) => job.owner === owner);
    const turn = 1 / (model.weights.get(owner ?? "") ?? 1);
    const behindOwn = Math.max(...own.map(({ fair }) => fair + turn), 0);
    const first = firstPlace(model, queue, priority);
    const line = JSON.stringify([queue, priority, owner]);
    const fair = next.get(line) ?? Math.max(behindOwn, first);
    next.set(line, fair + turn);
    return fair;
  });
}

function waitingJobs(model: Model, queue: string, priority: number): ModelJob[] {
  return allJobs(model).filter(
    (job) => job.state === "queued" && job.queue === queue && job.priority === priority,
  );
}

export function firstPlace(model: Model, queue: string, priority: number): number {
  const places = waitingJobs(model, queue, priority).map(({ fair }) => fair);
  return places.length === 0 ? 0 : Math.max(0, Math.min(...places));
}

// Claim

export type ClaimAsked = {
  readonly worker: number;
  readonly queue: string;
  readonly tasks: readonly TaskName[];
  readonly limit: number;
  readonly choice: "best" | "oldest";
};

export function isPaused(model: Model, queue: string): boolean {
  return [queue, "*"].some((name) => {
    const until = model.pauses.get(name);
    return until === null || (until !== undefined && until > model.now);
  });
}

/** The jobs that go to the worker, as they are then, in no particular order. */
export function claim(model: Model, asked: ClaimAsked): ModelJob[] {
  if (isPaused(model, asked.queue)) return [];
  const due = allJobs(model).filter(
    (job) =>
      job.state === "queued" &&
      job.queue === asked.queue &&
      job.runAt <= model.now &&
      asked.tasks.includes(job.task) &&
      (job.expiresAt === null || job.expiresAt > model.now),
  );
  const chosen = due.toSorted(asked.choice === "best" ? compareBest : compareOldest).slice(0, asked.limit);
  for (const job of chosen) start(model, job, asked.worker);
  return chosen;
}

export function compareOldest(left: ModelJob, right: ModelJob): number {
  return left.runAt - right.runAt || (left.id < right.id ? -1 : 1);
}

export function compareBest(left: ModelJob, right: ModelJob): number {
  return right.priority - left.priority || left.fair - right.fair || compareOldest(left, right);
}

/** Gives a job to a worker. */
export function start(model: Model, job: ModelJob, worker: number): void {
  job.state = "running";
  job.reason = null;
  job.parkedBy = null;
  job.fence += 1;
  job.attempt += 1;
  job.leaseUntil = model.now + durations.leaseMs;
  model.claims.push({ id: job.id, fence: job.fence, worker, isDead: false });
}

// What a holder does

/** Returns the claims that hold their jobs, with whether a cancel was asked for. */
export function beat(
  model: Model,
  claims: readonly ModelClaim[],
): { readonly id: string; readonly isCancelRequested: boolean }[] {
  return claims.flatMap((held) => {
    const job = heldJob(model, held);
    if (job === undefined) return [];
    job.leaseUntil = model.now + durations.leaseMs;
    return [{ id: job.id, isCancelRequested: job.isCancelRequested }];
  });
}

/** Those that are not in the answer are not held any more, or their cancel was asked for. */
export function succeedTogether(model: Model, claims: readonly ModelClaim[]): string[] {
  return claims.flatMap((given) => {
    const job = heldJob(model, given);
    if (job === undefined || job.isCancelRequested) return [];
    endAttempt(job, "succeeded", null);
    end(model, job, { state: "succeeded", output: given.fence, error: null, isTold: false });
    return [job.id];
  });
}

export type Finish =
  | { readonly outcome: "succeeded"; readonly output: unknown }
  | { readonly outcome: "failed" | "timed_out"; readonly retryInMs: number | undefined }
  | { readonly outcome: "cancelled" }
  | { readonly outcome: "snoozed"; readonly delayMs: number }
  | { readonly outcome: "handed_back" };

/** Whether the claim still held its job. What the job says is written with its end, or not at all. */
export function finish(model: Model, given: ModelClaim, wish: Finish): boolean {
  const job = heldJob(model, given);
  if (job === undefined) return false;
  appendEvent(model, job, "said");
  const isOver = wish.outcome === "succeeded" || wish.outcome === "cancelled";
  const done: Finish = job.isCancelRequested && !isOver ? { outcome: "cancelled" } : wish;
  const isFailure = done.outcome === "failed" || done.outcome === "timed_out";
  endAttempt(job, done.outcome, isFailure ? failure : null);
  switch (done.outcome) {
    case "succeeded":
      end(model, job, { state: "succeeded", output: done.output, error: null });
      break;
    case "cancelled":
      end(model, job, { state: "cancelled" });
      break;
    case "snoozed":
      putBack(model, job, { why: "snoozed", delayMs: done.delayMs });
      break;
    case "handed_back":
      putBack(model, job, { why: "handed_back" });
      break;
    case "failed":
    case "timed_out":
      if (done.retryInMs === undefined) {
        end(model, job, { state: "failed", error: failure });
      } else {
        putBack(model, job, { why: "retry_scheduled", delayMs: done.retryInMs });
        appendEvent(model, job, "retry_scheduled");
      }
  }
  return true;
}

/** The code of the error with which attempts fail here. */
export const failure = "model_failure";

/** A crash of a job that had a process of its own. */
export function crashAlone(model: Model, given: ModelClaim): void {
  const job = heldJob(model, given);
  if (job === undefined) return;
  endAttempt(job, "crashed", "job_process_died");
  if (job.isCancelRequested) {
    end(model, job, { state: "cancelled" });
    return;
  }
  job.crashCount += 1;
  if (job.crashCount === 3) end(model, job, { state: "failed", error: "job_crashed_worker" });
  else putBack(model, job, { why: "crashed" });
}

// What people do

export function cancel(model: Model, id: string): "cancelled" | "cancelling" | Refusal {
  const job = model.jobs.get(id);
  if (job === undefined) return { refused: "job_not_found" };
  if (isTerminal(job.state) && job.state !== "cancelled") return { refused: "already_finished" };
  const isRunning = job.state === "running";
  cancelBelow(model, job);
  return isRunning ? "cancelling" : "cancelled";
}

/** It, its children and theirs, also of those that have ended. */
function cancelBelow(model: Model, job: ModelJob): void {
  if (job.state === "running") {
    job.isCancelRequested = true;
    tell(model, "cancel_requested", job);
  } else if (!isTerminal(job.state)) end(model, job, { state: "cancelled" });
  const children = allJobs(model).filter(({ request }) => request.parentId === job.id);
  for (const child of children) cancelBelow(model, child);
}

export function retry(model: Model, id: string): "retried" | Refusal {
  const job = model.jobs.get(id);
  if (job === undefined) return { refused: "job_not_found" };
  if (!isTerminal(job.state) || job.state === "succeeded") return { refused: "job_not_ended" };
  const rival = allJobs(model).find(
    (other) =>
      tasks[job.task].isUnique &&
      other.task === job.task &&
      other.request.input.key === job.request.input.key &&
      !isTerminal(other.state),
  );
  if (rival !== undefined) return { refused: "job_is_pending" };
  const [fair = 0] = fairPlaces(model, [job]);
  Object.assign(job, {
    state: "queued",
    fair,
    runAt: model.now,
    expiresAt: null,
    maxAttempts: job.attempt + tasks[job.task].retries + 1,
    crashCount: 0,
    fence: job.fence + 1,
    isCancelRequested: false,
    finishedAt: null,
    purgeAt: null,
    result: null,
  } satisfies Partial<ModelJob>);
  appendEvent(model, job, "queued");
  tell(model, "retried", job);
  return "retried";
}

export function forceRelease(model: Model, id: string): "released" | Refusal {
  const job = model.jobs.get(id);
  if (job === undefined) return { refused: "job_not_found" };
  if (job.state !== "running") return { refused: "job_not_running" };
  endAttempt(job, "handed_back", "force_released");
  if (job.isCancelRequested) end(model, job, { state: "cancelled" });
  else putBack(model, job, { why: "handed_back" });
  return "released";
}

/** The jobs that a purge counts. */
export function purgeable(model: Model, queue: string): ModelJob[] {
  return allJobs(model).filter(
    (job) => job.queue === queue && (job.state === "queued" || job.state === "scheduled"),
  );
}

/**
 * Cancels those of the counted jobs that still wait, those that are due first; returns how many. One that
 * went with its parent before its turn is not counted.
 */
export function purge(model: Model, counted: readonly ModelJob[]): number {
  let cancelled = 0;
  for (const state of ["queued", "scheduled"]) {
    // Of those that come from later, as after a jump back of the clock, it knows nothing.
    const waiting = counted.filter((job) => job.state === state && job.createdAt <= model.now);
    for (const job of waiting) cancel(model, job.id);
    cancelled += waiting.length;
  }
  return cancelled;
}

// What is done for all

export function overdue(model: Model): ModelJob[] {
  return allJobs(model).filter((job) => job.leaseUntil !== null && job.leaseUntil < model.now);
}

export function runningJobs(model: Model): ModelJob[] {
  return allJobs(model).filter((job) => job.state === "running");
}

/** Takes a job back from a worker that has died. */
export function takeBack(model: Model, job: ModelJob): void {
  endAttempt(job, "crashed", "worker_died");
  if (job.isCancelRequested) end(model, job, { state: "cancelled" });
  else putBack(model, job, { why: "crashed" });
}

/** Returns how many became due. */
export function promote(model: Model): number {
  const due = allJobs(model)
    .filter((job) => job.state === "scheduled" && job.parkedBy === null && job.runAt <= model.now)
    .toSorted(compareOldest);
  const places = fairPlaces(model, due);
  const firsts = due.map(({ queue, priority }) => firstPlace(model, queue, priority));
  for (const [index, job] of due.entries()) {
    // One that had its turn keeps its place, but comes back to the head of the line at most.
    const comeback = Math.max(job.fair, firsts[index] ?? 0);
    job.fair = job.reason === "delay" ? (places[index] ?? 0) : comeback;
    job.state = "queued";
    job.reason = null;
    tell(model, "due", job);
  }
  return due.length;
}

export function late(model: Model): ModelJob[] {
  return allJobs(model).filter(
    (job) =>
      job.expiresAt !== null &&
      job.expiresAt <= model.now &&
      (job.state === "queued" || job.state === "scheduled"),
  );
}

export function expire(model: Model, job: ModelJob): void {
  end(model, job, { state: "expired" });
}

/** Returns how many pauses were over. */
export function clearPastPauses(model: Model): string[] {
  const over = [...model.pauses].filter(([_queue, until]) => until !== null && until <= model.now);
  for (const [queue] of over) model.pauses.delete(queue);
  return over.map(([queue]) => queue);
}

export function prune(model: Model): void {
  for (const job of allJobs(model)) {
    if (job.purgeAt !== null && job.purgeAt < model.now) model.jobs.delete(job.id);
  }
  const before = model.now - durations.eventsKeptMs;
  const ended = allJobs(model).filter(
    ({ finishedAt }) => finishedAt !== null && finishedAt > model.eventsPrunedTo && finishedAt < before,
  );
  for (const job of ended) job.events = job.events.map(() => null);
  model.eventsPrunedTo = Math.max(model.eventsPrunedTo, ...ended.map(({ finishedAt }) => finishedAt ?? 0));
  for (const stream of model.streams.values()) {
    if (stream.endedAt === null || stream.endedAt >= before) continue;
    stream.events = stream.events.map(() => null);
    stream.endedAt = null;
  }
}

// What all of it is made of

function endAttempt(job: ModelJob, outcome: AttemptOutcome, error: string | null): void {
  job.attempts.push({ fence: job.fence, attempt: job.attempt, outcome, error });
}

function putBack(
  model: Model,
  job: ModelJob,
  { why, delayMs }: { why: "retry_scheduled" | "snoozed" | "handed_back" | "crashed"; delayMs?: number },
): void {
  tell(model, why, job);
  if (delayMs === undefined) job.fair = Math.max(job.fair, firstPlace(model, job.queue, job.priority));
  else job.runAt = model.now + delayMs;
  job.state = delayMs === undefined ? "queued" : "scheduled";
  job.reason = { retry_scheduled: "retry", snoozed: "snooze", handed_back: null, crashed: null }[why];
  // Only a failure uses up one of the attempts.
  if (why !== "retry_scheduled") job.attempt -= 1;
  job.runsAlone = why === "crashed" || (job.runsAlone && why !== "retry_scheduled");
  job.fence += 1;
  job.leaseUntil = null;
}

function end(
  model: Model,
  job: ModelJob,
  ending: { state: JobState; output?: unknown; error?: string | null; isTold?: boolean },
): void {
  const { state, output = null, error = null, isTold = true } = ending;
  job.state = state;
  job.reason = null;
  job.parkedBy = null;
  job.leaseUntil = null;
  job.finishedAt = model.now;
  job.purgeAt = model.now + (state === "succeeded" ? durations.successKeptMs : durations.otherEndKeptMs);
  job.result = { output, error };
  appendEvent(model, job, state);
  const stream = model.streams.get(job.stream);
  if (stream !== undefined) stream.endedAt = model.now;
  if (isTold) tell(model, state, job);
}

function appendEvent(model: Model, job: ModelJob, what: string): void {
  const domain = job.stream.slice(0, job.stream.indexOf(":"));
  const type = `${domain}.${what}`;
  if (!tasks[job.task].sharesStream) {
    job.events.push(type);
    return;
  }
  const stream = model.streams.get(job.stream) ?? { events: [], endedAt: null };
  stream.events.push(type);
  stream.endedAt = null;
  model.streams.set(job.stream, stream);
}

export function tell(model: Model, type: string, { id }: ModelJob): void {
  model.told.push(`${type} ${id}`);
}
