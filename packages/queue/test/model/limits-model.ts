import { allJobs, comebackPlaces, compareBest, compareFair, runningJobs, tell } from "./model.ts";
import type { Model, ModelJob } from "./model.ts";
import { isPaused, start } from "./worker-model.ts";
import type { ClaimAsked } from "./worker-model.ts";
import { durations, nameOf, tasks } from "./world.ts";

type LimitedClaimAsked = Omit<ClaimAsked, "oldest" | "goesOn"> & { readonly choice: "best" | "oldest" };

/*
 * Limits. Which of the jobs that may start a claim takes out of which line is its own affair, within rules:
 * they are checked here, and then the model does what the queue did. All else must agree as ever.
 */

type Limiter = {
  readonly key: string;
  readonly isUnder: (job: ModelJob) => boolean;
  readonly concurrency: number | undefined;
  readonly burst: number | undefined;
};

/** What a job has to pass, its key first. */
export function limitersOf(model: Model, job: ModelJob): Limiter[] {
  if (model.areLimitsLifted) return [];
  const { concurrency, keyConcurrency, burst } = tasks[job.task];
  const { key } = job.request.input;
  const ofKey: Limiter = {
    key: `key:${job.task}:${key}`,
    isUnder: (other) => other.task === job.task && other.request.input.key === key,
    concurrency: keyConcurrency,
    burst: undefined,
  };
  const ofTask: Limiter = {
    key: `task:${job.task}`,
    isUnder: (other) => other.task === job.task,
    concurrency,
    burst,
  };
  return [
    ...(keyConcurrency === undefined ? [] : [ofKey]),
    ...(concurrency === undefined && burst === undefined ? [] : [ofTask]),
  ];
}

function tokensOf(model: Model, { key, burst }: Limiter): number | undefined {
  if (burst === undefined) return undefined;
  const { tokens, at } = model.buckets.get(key) ?? { tokens: burst, at: model.now };
  // In whole ticks: what passes between two commands is nothing.
  return Math.min(burst, tokens + Math.max(0, Math.round((model.now - at) / durations.tickMs)));
}

function slotsOf(model: Model, { isUnder, concurrency }: Limiter): number | undefined {
  if (concurrency === undefined) return undefined;
  return concurrency - runningJobs(model).filter(isUnder).length;
}

function hasRoom(model: Model, limiter: Limiter): boolean {
  return (tokensOf(model, limiter) ?? 1) >= 1 && (slotsOf(model, limiter) ?? 1) >= 1;
}

/** A claim that does not come by a bucket does not see that the clock was put back, so it may fill later. */
function hasSureRoom(model: Model, limiter: Limiter): boolean {
  return hasRoom(model, limiter) && (limiter.burst === undefined || !model.hasJumpedBack);
}

function roomOfQueues(model: Model, queue: string): number {
  const rooms = [queue, "*"].map((name) => {
    const atOnce = model.queueLimits.get(name) ?? Number.POSITIVE_INFINITY;
    return atOnce - runningJobs(model).filter((job) => name === "*" || job.queue === name).length;
  });
  return Math.min(...rooms);
}

/** Jobs that a claim may start as far as limits allow. */
function eligibleJobs(model: Model, { queue, tasks: known }: LimitedClaimAsked): ModelJob[] {
  return allJobs(model).filter(
    (job) =>
      job.queue === queue &&
      known.includes(job.task) &&
      (job.expiresAt === null || job.expiresAt > model.now) &&
      // What waits for a limit that is no more first goes back to its queue.
      (job.parkedBy === null
        ? job.state === "queued" && job.runAt <= model.now
        : limitersOf(model, job).some(({ key }) => key === job.parkedBy)),
  );
}

export type LimitedOutcome = {
  readonly claimed: readonly string[];
  readonly parked: readonly {
    readonly id: string;
    readonly parkedBy: string | null;
    readonly reason: string | null;
  }[];
  /** It may be that another claim finds more. */
  readonly isMore: boolean;
};

/** Does to the model what a claim did, and returns the rules that it broke. */
export function followClaim(model: Model, asked: LimitedClaimAsked, outcome: LimitedOutcome): string[] {
  const { limit, queue } = asked;
  const eligible = eligibleJobs(model, asked);
  const find = (id: string) => eligible.find((job) => job.id === id);
  const claimed = outcome.claimed.flatMap((id) => find(id) ?? []);
  const room = Math.min(limit, isPaused(model, queue) ? 0 : roomOfQueues(model, queue));
  const limiters = new Map(
    eligible.flatMap((job) => limitersOf(model, job)).map((limiter) => [limiter.key, limiter]),
  );
  for (const [key, { tokens, at }] of model.buckets) {
    // Filled at a time to come, because the clock was put back since: it fills from now on.
    model.buckets.set(key, { tokens, at: Math.min(at, model.now) });
  }
  const tokensBefore = new Map([...limiters.values()].map((one) => [one.key, tokensOf(model, one)]));
  const wereIn = new Map(allJobs(model).map((job) => [job.id, job.parkedBy]));
  const places = placesInLines(model, outcome.parked);
  const broken: string[] = [];
  const expect = (holds: boolean, rule: string): void => {
    if (!holds) broken.push(rule);
  };

  expect(claimed.length === outcome.claimed.length, "every claimed job could be claimed");
  expect(claimed.length <= Math.max(0, room), `no more are claimed than ${room}`);
  for (const job of claimed) start(model, job, asked.worker);
  for (const limiter of limiters.values()) {
    const started = claimed.filter(limiter.isUnder).length;
    if (started === 0) continue;
    const tokens = tokensBefore.get(limiter.key);
    expect((slotsOf(model, limiter) ?? 0) >= 0, `no more run than ${limiter.key} allows`);
    expect(tokens === undefined || started <= tokens, `no more start than ${limiter.key} allows`);
    if (tokens !== undefined) model.buckets.set(limiter.key, { tokens: tokens - started, at: model.now });
  }
  const areIn = new Map([...wereIn, ...outcome.parked.map(({ id, parkedBy }) => [id, parkedBy] as const)]);
  const waiting = eligible.filter((job) => !claimed.includes(job));
  for (const { id, parkedBy, reason } of outcome.parked) {
    const job = find(id);
    const limiter = job && limitersOf(model, job).find(({ key }) => key === parkedBy);
    if (job === undefined || limiter === undefined || claimed.includes(job)) {
      broken.push(`${nameOf(id)} may wait for ${parkedBy}`);
      continue;
    }
    // Who comes to a line stands in it before he starts, even when there is room.
    const isWaitedFor = [...wereIn.values()].includes(parkedBy);
    expect(wereIn.get(id) !== parkedBy, `${nameOf(id)} is not parked where it is`);
    const keptBefore = keptRoom(job, waiting, wereIn);
    const keptAfter = keptRoom(job, waiting, areIn);
    const slots = slotsOf(model, limiter) ?? Number.POSITIVE_INFINITY;
    const isKept = limiter.key.startsWith("key:") && slots <= Math.max(keptBefore, keptAfter);
    expect(!hasSureRoom(model, limiter) || isWaitedFor || isKept, `${parkedBy} holds ${nameOf(id)}`);
    const [narrow] = limitersOf(model, job);
    if (narrow !== undefined && narrow.key !== limiter.key && asked.choice === "best") {
      const room = slotsOf(model, narrow) ?? Number.POSITIVE_INFINITY;
      expect(
        keptAfter < room,
        `${narrow.key} has room for ${nameOf(id)} and for those that ${parkedBy} holds`,
      );
    }
    expect(
      reason === (limiter.burst === undefined ? "concurrency_limit" : "rate_limit"),
      `${nameOf(id)} says why it waits`,
    );
    const fair = places.get(id) ?? job.fair;
    Object.assign(job, { state: "scheduled", reason, parkedBy, fair } satisfies Partial<ModelJob>);
  }
  if (asked.choice === "best") {
    for (const job of claimed) {
      const passed = waiting.find(
        (other) => haveSameLimits(model, job, other) && goesBefore(other, job, wereIn),
      );
      expect(passed === undefined, `${nameOf(job.id)} does not pass ${nameOf(passed?.id ?? job.id)}`);
    }
  }
  if (outcome.isMore) {
    expect(outcome.claimed.length + outcome.parked.length > 0, "it goes on only after it has done something");
  } else if (claimed.length < room) {
    const free = waiting.find((job) =>
      limitersOf(model, job).every((limiter) => hasSureRoom(model, limiter)),
    );
    expect(free === undefined, `${nameOf(free?.id ?? "")} does not wait while there is room for it`);
  }
  return broken;
}

/** The room of its key that others keep from a job: those as urgent in the line of its task. */
function keptRoom(
  job: ModelJob,
  waiting: readonly ModelJob[],
  lines: ReadonlyMap<string, string | null>,
): number {
  return waiting.filter(
    (other) =>
      other !== job &&
      other.task === job.task &&
      other.request.input.key === job.request.input.key &&
      other.priority >= job.priority &&
      lines.get(other.id) === `task:${job.task}`,
  ).length;
}

/**
 * Places in the lines that jobs come to. Owners share a line as they share a queue: one turn behind the last
 * of its owner there, not before the first of the line, and not before where it stood.
 */
function placesInLines(model: Model, parked: LimitedOutcome["parked"]): Map<string, number> {
  const coming = parked.flatMap(({ id, parkedBy }) => {
    const job = model.jobs.get(id);
    return job === undefined ? [] : [{ job, parkedBy }];
  });
  const next = new Map<string, number>();
  const sorted = coming.toSorted(
    (left, right) => left.job.fair - right.job.fair || compareBest(left.job, right.job),
  );
  const places = sorted.map(({ job, parkedBy }) => {
    const line = allJobs(model).filter((one) => one.parkedBy === parkedBy && one.priority === job.priority);
    const own = line.filter(({ owner }) => owner === job.owner);
    const turn = 1 / (model.weights.get(job.owner ?? "") ?? 1);
    const lane = JSON.stringify([parkedBy, job.priority, job.owner]);
    const first =
      next.get(lane) ??
      Math.max(...own.map(({ fair }) => fair + turn), Math.min(...line.map(({ fair }) => fair)));
    if (line.length === 0) return [job.id, job.fair] as const;
    next.set(lane, first + turn);
    return [job.id, Math.max(job.fair, first)] as const;
  });
  return new Map(places);
}

/** Of two jobs under the same limits: those in one place in their order, and those in line before those that are not. */
function goesBefore(left: ModelJob, right: ModelJob, wereIn: ReadonlyMap<string, string | null>): boolean {
  const [leftLine, rightLine] = [wereIn.get(left.id) ?? null, wereIn.get(right.id) ?? null];
  if (leftLine === rightLine) return compareBest(left, right) < 0;
  return rightLine === null && left.priority >= right.priority;
}

function haveSameLimits(model: Model, left: ModelJob, right: ModelJob): boolean {
  const keys = (job: ModelJob) =>
    limitersOf(model, job)
      .map(({ key }) => key)
      .join(" ");
  return keys(left) === keys(right);
}

/** Lets go what waits for limits that are no more; returns how many. */
export function releaseParked(model: Model): number {
  const released = allJobs(model)
    .filter((job) => job.parkedBy !== null && !limitersOf(model, job).some(({ key }) => key === job.parkedBy))
    .toSorted(compareFair);
  const places = comebackPlaces(model, released);
  for (const [index, job] of released.entries()) {
    const fair = places[index] ?? 0;
    Object.assign(job, { state: "queued", reason: null, parkedBy: null, fair } satisfies Partial<ModelJob>);
    tell(model, "released", job);
  }
  return released.length;
}
