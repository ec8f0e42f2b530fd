import type { AttemptOutcome, JobState } from "@millrace/contracts";
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
  /** Where the last claim of a worker in a queue ended, by both. */
  readonly places: Map<string, ModelPlace>;
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

/** What stood last among those that a claim took, as it stood then; null: of that kind it took none. */
export type ModelPlace = {
  readonly best: OrderedJob | null;
  readonly oldest: OrderedJob | null;
};

export type OrderedJob = Pick<ModelJob, "priority" | "fair" | "runAt" | "id">;

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
  /** The question that nobody has answered. */
  asks: ModelQuestion | null;
  /** By the key of the question. */
  readonly answers: Map<string, string>;
  /** Of its own stream; deleted ones are null. */
  events: (string | null)[];
};

export type ModelQuestion = {
  readonly key: string;
  readonly expiresInMs: number;
  /** It takes "no" for an answer when nobody gives one. */
  readonly goesOnAtExpiry: boolean;
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
    places: new Map(),
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

export function runningJobs(model: Model): ModelJob[] {
  return allJobs(model).filter((job) => job.state === "running");
}

// The order of jobs

export function compareOldest(left: OrderedJob, right: OrderedJob): number {
  if (left.id === right.id && left.runAt === right.runAt) return 0;
  return left.runAt - right.runAt || (left.id < right.id ? -1 : 1);
}

export function compareBest(left: OrderedJob, right: OrderedJob): number {
  return right.priority - left.priority || left.fair - right.fair || compareOldest(left, right);
}

/**
 * Start-time fair queueing. A line is a queue, a priority and an owner. Who comes stands one turn behind
 * the last of its line that waits, and never before the first that waits in the queue at this priority.
 */
export function fairPlaces(
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

/** Where those come back to, in the order of the places they had, that had their turn. */
export function comebackPlaces(model: Model, coming: readonly ModelJob[]): number[] {
  return fairPlaces(model, coming).map((next, index) => {
    const job = coming[index];
    if (job === undefined) return next;
    return Math.max(firstPlace(model, job.queue, job.priority), Math.min(job.fair, next));
  });
}

export function compareFair(left: OrderedJob, right: OrderedJob): number {
  return left.fair - right.fair || compareOldest(left, right);
}

export function firstPlace(model: Model, queue: string, priority: number): number {
  const places = waitingJobs(model, queue, priority).map(({ fair }) => fair);
  return places.length === 0 ? 0 : Math.max(0, Math.min(...places));
}

// What all changes are made of

export function endAttempt(job: ModelJob, outcome: AttemptOutcome, error: string | null): void {
  job.attempts.push({ fence: job.fence, attempt: job.attempt, outcome, error });
}

export function putBack(
  model: Model,
  job: ModelJob,
  { why, delayMs }: { why: "retry_scheduled" | "snoozed" | "handed_back" | "crashed"; delayMs?: number },
): void {
  tell(model, why, job);
  if (delayMs === undefined) [job.fair = 0] = comebackPlaces(model, [job]);
  else job.runAt = model.now + delayMs;
  job.state = delayMs === undefined ? "queued" : "scheduled";
  job.reason = { retry_scheduled: "retry", snoozed: "snooze", handed_back: null, crashed: null }[why];
  // Only a failure uses up one of the attempts.
  if (why !== "retry_scheduled") job.attempt -= 1;
  job.runsAlone = why === "crashed" || (job.runsAlone && why !== "retry_scheduled");
  job.fence += 1;
  job.leaseUntil = null;
  // It had started in time.
  job.expiresAt = null;
}

/** Lets a job wait for an answer; one that it had refused, and an older question, are forgotten. */
export function ask(model: Model, job: ModelJob, question: ModelQuestion): void {
  job.asks = question;
  job.answers.delete(question.key);
  job.state = "waiting";
  job.attempt -= 1;
  job.fence += 1;
  job.leaseUntil = null;
  job.expiresAt = model.now + question.expiresInMs;
  appendEvent(model, job, "waiting");
  tell(model, "waiting", job);
}

export function goOn(model: Model, job: ModelJob, answer: string): void {
  if (job.asks === null) throw new Error(`${job.id} asks nothing`);
  job.answers.set(job.asks.key, answer);
  job.asks = null;
  [job.fair = 0] = comebackPlaces(model, [job]);
  job.state = "queued";
  job.runAt = model.now;
  job.expiresAt = null;
  appendEvent(model, job, "answered");
  tell(model, "answered", job);
}

export function end(
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

export function appendEvent(model: Model, job: ModelJob, what: string): void {
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
