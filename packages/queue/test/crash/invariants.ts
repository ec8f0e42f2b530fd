/**
 * What must hold when all is at rest, whatever died before: nothing lost, one outcome, no two effective runs
 * at once, paid once, taken back in time, limits kept, nothing left behind. Each function gives what is
 * wrong, in words; nothing when all is well.
 */
import type { Facts } from "./facts.ts";
import { findMispaid } from "./find-mispaid.ts";
import { findUnhealthy } from "./find-unhealthy.ts";
import type { Observed } from "./observed.ts";
import type { OutsideCall } from "./receiver.ts";
import { beatMs, leaseMs } from "./victim-settings.ts";
import { otherEnds } from "./victim-script.ts";
import { limits, startedFlow, tasks } from "./victim-tasks.ts";

/** How late the jobs of a dead process may be taken back beyond what their leases ask for. For a busy machine. */
const takeBackMs = 15_000;
/** A claim that was taken from who lives: it hears of that with its next beat, and has as long as any stop to end. */
const graceMs = beatMs + 5_000;
/** The database gives what a transaction writes the time when that began, before it had its locks. */
const transactionMs = 1_000;
/** The database notes the time of a claim a little before the limiter is asked. */
const rateSlackMs = 250;

export function findViolations(observed: Observed): string[] {
  return [
    ...findLost(observed),
    ...findWrongEnds(observed),
    ...findWrongAttempts(observed),
    ...findBrokenStreams(observed),
    ...findRepeatedSteps(observed),
    ...findConcurrentRuns(observed),
    ...findAttemptsAtOnce(observed),
    ...findMispaid(observed),
    ...findLateRecovery(observed),
    ...findBrokenLimits(observed),
    ...findBrokenJoins(observed),
    ...findUnhealthy(observed),
    ...findDebris(observed),
  ];
}

type Job = Facts["jobs"][number];
type Attempt = Facts["attempts"][number];

const isTerminal = (state: string): boolean =>
  ["succeeded", "failed", "cancelled", "expired"].includes(state);
/** Outcomes after which the next attempt has the same number. */
const isUncounted = (outcome: string | null): boolean =>
  outcome === "crashed" || outcome === "snoozed" || outcome === "handed_back";

/** I1. Every request that was acknowledged has its jobs, there is no other job, and all have ended. */
function findLost({ facts, acknowledged, launches }: Observed): string[] {
  const known = new Map(facts.jobs.map((job) => [job.id, job]));
  const ended = new Set(facts.ends.map(({ job }) => job));
  const expected = new Set(acknowledged.flatMap(({ jobs }) => jobs));
  const wrong = launches.flatMap(({ name, torn }) => torn.map((what) => `launch ${name} found ${what}`));
  for (const { name, jobs } of acknowledged) {
    for (const id of jobs) {
      // What may be purged at once is known by its end.
      if (!known.has(id) && !ended.has(id)) wrong.push(`job ${id} of the request "${name}" is lost`);
    }
  }
  for (const { id, name, parent, task, state } of facts.jobs) {
    if (!isTerminal(state)) wrong.push(`job ${id} of ${task} is still ${state}`);
    const isOfJob = (parent !== null && known.has(parent)) || name?.startsWith(startedFlow);
    if (!expected.has(id) && !isOfJob) wrong.push(`job ${id} of ${task} was never asked for`);
  }
  const children = Map.groupBy(facts.jobs, ({ parent }) => parent);
  for (const { id, task, state } of facts.jobs) {
    const count = children.get(id)?.length ?? 0;
    if (task === tasks.parent.name && state === "succeeded" && count !== 1)
      wrong.push(`job ${id} has ${count} children, not 1`);
  }
  const names = facts.jobs.flatMap(({ name, task }) => (name === null ? [] : [`${task} ${name}`]));
  if (new Set(names).size !== names.length) wrong.push("a request has made two jobs");
  for (const { name, is_there } of facts.orders) if (!is_there) wrong.push(`the order ${name} has no job`);
  return wrong;
}

/** I2. Each job has ended as it had to, once, with what the winning claim has written. */
function findWrongEnds({ facts }: Observed): string[] {
  const wrong: string[] = [];
  const winners = new Map(
    facts.attempts.filter(({ outcome }) => outcome === "succeeded").map(({ job, fence }) => [job, fence]),
  );
  for (const job of facts.jobs) {
    const expected = otherEnds[job.name ?? ""] ?? "succeeded";
    const say = (what: string): void => void wrong.push(`job ${job.id} "${job.name ?? job.task}" ${what}`);
    if (job.state !== expected) say(`has ${job.state} (${job.error_code}), not ${expected}`);
    if (isTerminal(job.state) !== job.has_end_time)
      say(`is ${job.state} and has an end time: ${job.has_end_time}`);
    if (isTerminal(job.state) !== job.has_result) say(`is ${job.state} and has a result: ${job.has_result}`);
    if (!job.has_input) say("has no input");
    if (job.state === "succeeded" && job.output_fence !== winners.get(job.id)) {
      say(`has the result of claim ${job.output_fence}, but ${winners.get(job.id)} has won`);
    }
    if (job.task === tasks.deadly.name && job.state === "failed" && job.error_code !== "job_crashed_worker") {
      say(`failed with ${job.error_code}`);
    }
  }
  for (const { job, state, count } of facts.ends) {
    if (count !== 1) wrong.push(`the domain heard ${count} times that job ${job} has ${state}`);
  }
  const heard = Map.groupBy(facts.ends, ({ job }) => job);
  for (const job of facts.jobs) {
    const states = heard.get(job.id)?.map(({ state }) => state) ?? [];
    if (withHook.has(job.task) && !states.includes(job.state))
      wrong.push(`the domain never heard that job ${job.id} has ${job.state}`);
  }
  return wrong;
}

const withHook = new Set([tasks.steps, tasks.flaky, tasks.failing, tasks.deadly].map(({ name }) => name));

/** The record of the attempts: one for each claim, numbered as their outcomes say, the last as the job ended. */
function findWrongAttempts({ facts, calls }: Observed): string[] {
  const wrong: string[] = [];
  const byJob = Map.groupBy(facts.attempts, ({ job }) => job);
  for (const job of facts.jobs) {
    const attempts = byJob.get(job.id) ?? [];
    const say = (what: string): void => void wrong.push(`job ${job.id} "${job.name ?? job.task}" ${what}`);
    const last = attempts.at(-1);
    if (attempts.some(({ outcome, finished_ms }) => outcome === null || finished_ms === null))
      say("has an attempt without an end");
    const succeeded = attempts.filter(({ outcome }) => outcome === "succeeded").length;
    if (succeeded !== (job.state === "succeeded" ? 1 : 0))
      say(`is ${job.state} and has ${succeeded} attempts that succeeded`);
    if (job.state === "succeeded" && last?.outcome !== "succeeded")
      say(`succeeded, and then ${last?.outcome}`);
    const fences = attempts.map(({ fence }) => fence).join(", ");
    // Each claim adds one to the fence, and each way back into the line another.
    if (fences !== attempts.map((_attempt, index) => 2 * index + 1).join(", "))
      say(`has records of claims ${fences} alone`);
    let next = 1;
    for (const { fence, attempt, outcome } of attempts) {
      if (attempt !== next) say(`has attempt ${attempt} under claim ${fence}, not ${next}`);
      next = isUncounted(outcome) ? attempt : attempt + 1;
    }
    const possible =
      last === undefined
        ? [0]
        : isUncounted(last.outcome)
          ? [last.attempt - 1, last.attempt]
          : [last.attempt];
    if (!possible.includes(job.attempt))
      say(`is at attempt ${job.attempt}, after ${last?.attempt} ${last?.outcome}`);
    if (job.fence !== (last?.fence ?? 0) && job.fence !== (last?.fence ?? 0) + 1)
      say(`is at claim ${job.fence}, after ${last?.fence ?? "none"}`);
    if (job.task === tasks.deadly.name && job.state === "failed" && job.crash_count !== 3)
      say(`crashed ${job.crash_count} times, not 3`);
  }
  const recorded = new Set(facts.attempts.map(({ job, fence }) => `${job} ${fence}`));
  const known = new Set(facts.jobs.map(({ id }) => id));
  for (const { job, fence } of calls) {
    if (known.has(job) && !recorded.has(`${job} ${fence}`))
      wrong.push(`claim ${fence} of job ${job} has run and has no record`);
  }
  return wrong;
}

/** I2. Numbers from 1 without a gap, as many ends as beginnings, each log line told once. */
function findBrokenStreams({ facts }: Observed): string[] {
  const wrong: string[] = [];
  const logs = new Map(facts.jobs.map((job) => [job.stream, job.logs]));
  const members = new Set(facts.jobs.filter((job) => job.is_member).map((job) => job.stream));
  for (const { stream, count, first, last, counter, queued, ends, logged } of facts.streams) {
    if (first !== 1 || last !== count || counter !== count) {
      wrong.push(`${stream} has ${count} events from ${first} to ${last}, and its counter is ${counter}`);
    }
    // A member whose turn had not come may end without having been queued.
    const isWrong = members.has(stream) ? ends < queued : ends !== queued;
    if (isWrong) wrong.push(`${stream} was queued ${queued} times and ended ${ends} times`);
    if (logged !== logs.get(stream))
      wrong.push(`${stream} tells of ${logged} log lines; there are ${logs.get(stream)}`);
  }
  const told = new Set(facts.streams.map(({ stream }) => stream));
  for (const { stream } of facts.jobs) if (!told.has(stream)) wrong.push(`${stream} has no events`);
  return wrong;
}

/** No recorded step is done again; one in flight is, only if its attempt was lost, and no more than were in flight. */
function findRepeatedSteps({ facts, calls, deaths }: Observed): string[] {
  const wrong: string[] = [];
  const done = new Map(
    facts.steps
      .filter(({ state }) => state === "done")
      .map(({ job, key, fence }) => [`${job} ${key}`, fence]),
  );
  const outcomes = new Map(facts.attempts.map((attempt) => [`${attempt.job} ${attempt.fence}`, attempt]));
  const dead = new Set(deaths.map(({ launch }) => launch));
  const steps = Map.groupBy(
    calls.filter(({ isStep }) => isStep),
    ({ job, name }) => `${job} ${name}`,
  );
  for (const { job, key, state, fence } of facts.steps) {
    // A child, or a workflow, is enqueued by the database alone; and others give the answers.
    if (state !== "done" || ["child", "flow", "answer"].includes(key)) continue;
    const wasDone = steps
      .get(`${job} ${key}`)
      ?.some((call) => call.fence === fence && call.endedMs !== undefined);
    if (wasDone !== true) wrong.push(`step ${job} ${key} was recorded by claim ${fence}, which never did it`);
  }
  let repeatsAfterDeath = 0;
  for (const [step, ofStep] of steps) {
    const recordedBy = done.get(step);
    for (const call of ofStep) {
      if (recordedBy !== undefined && call.fence > recordedBy)
        wrong.push(`step ${step} was recorded by claim ${recordedBy} and done again by ${call.fence}`);
    }
    if (new Set(ofStep.map(({ fence }) => fence)).size !== ofStep.length)
      wrong.push(`step ${step} was done twice under one claim`);
    for (const call of ofStep.toSorted((left, right) => left.fence - right.fence).slice(0, -1)) {
      const outcome = outcomes.get(`${call.job} ${call.fence}`)?.outcome;
      if (outcome !== "crashed" && outcome !== "handed_back")
        wrong.push(`step ${step} was repeated after claim ${call.fence}, which ${outcome}`);
      if (dead.has(call.launch)) repeatsAfterDeath++;
    }
  }
  const inFlight = deaths.reduce((sum, { stepsInFlight }) => sum + stepsInFlight, 0);
  const released = facts.attempts.filter(({ error_code }) => error_code === "force_released").length;
  if (repeatsAfterDeath > inFlight + released) {
    wrong.push(
      `${repeatsAfterDeath} steps were repeated; ${inFlight} were in flight at the kill, ${released} released by force`,
    );
  }
  return wrong;
}

/** I3. Two runs of a job overlap only if the earlier claim had been taken from its holder, and then not for long. */
function findConcurrentRuns({ facts, calls }: Observed): string[] {
  const wrong: string[] = [];
  const attempts = new Map(facts.attempts.map((attempt) => [`${attempt.job} ${attempt.fence}`, attempt]));
  for (const [job, ofJob] of Map.groupBy(calls, (call) => call.job)) {
    for (const [earlier, later] of pairs(ofJob.toSorted((left, right) => left.fence - right.fence))) {
      if (earlier.run === later.run || !overlap(earlier, later)) continue;
      const outcome = attempts.get(`${job} ${earlier.fence}`)?.outcome;
      const wasTaken = earlier.fence < later.fence && (outcome === "crashed" || outcome === "handed_back");
      if (!wasTaken)
        wrong.push(`job ${job} ran under claims ${earlier.fence} (${outcome}) and ${later.fence} at once`);
    }
  }
  for (const call of calls) {
    const attempt = attempts.get(`${call.job} ${call.fence}`);
    const wasTaken = attempt?.outcome === "crashed" || attempt?.outcome === "handed_back";
    const overMs = (wasTaken ? attempt.finished_ms : null) ?? Infinity;
    const onMs = (call.endedMs ?? Infinity) - overMs;
    if (onMs > graceMs)
      wrong.push(
        `job ${call.job} went on for ${Math.round(onMs)} ms under claim ${call.fence}, which was over`,
      );
  }
  return wrong;
}

function pairs<Item>(items: readonly Item[]): (readonly [Item, Item])[] {
  return items.flatMap((item, index) => items.slice(index + 1).map((other) => [item, other] as const));
}

type Interval = { readonly startedMs: number; readonly endedMs: number | undefined };

function overlap(left: Interval, right: Interval): boolean {
  return left.startedMs < (right.endedMs ?? Infinity) && right.startedMs < (left.endedMs ?? Infinity);
}

/** I3. A job is held by one claim after another, and what a claim that is over still wanted to record is refused. */
function findAttemptsAtOnce({ facts }: Observed): string[] {
  const wrong: string[] = [];
  for (const [job, attempts] of Map.groupBy(facts.attempts, (attempt) => attempt.job)) {
    const sorted = attempts.toSorted((left, right) => left.fence - right.fence);
    for (const [index, later] of sorted.entries()) {
      const earlier = sorted[index - 1];
      if (earlier !== undefined && (earlier.finished_ms ?? Infinity) > later.started_ms + transactionMs)
        wrong.push(`claim ${later.fence} of job ${job} began before claim ${earlier.fence} was over`);
    }
  }
  const ended = new Map(facts.attempts.map((attempt) => [`${attempt.job} ${attempt.fence}`, attempt]));
  for (const { job, key, fence, finished_ms } of facts.steps) {
    const endMs = ended.get(`${job} ${fence}`)?.finished_ms ?? Infinity;
    if ((finished_ms ?? 0) > endMs + transactionMs)
      wrong.push(`step ${job} ${key} was recorded by claim ${fence}, which was over`);
  }
  return wrong;
}

/** I5. What ran in a process that died is taken back when its lease is over, or the process is back. */
function findLateRecovery({ facts, deaths, launches }: Observed): string[] {
  const wrong: string[] = [];
  for (const { launch, atMs } of deaths) {
    const workers = new Set(facts.workers.filter(({ name }) => name === launch).map(({ id }) => id));
    const back = launches.find(({ helloMs }) => helloMs > atMs)?.helloMs ?? atMs;
    const latestMs = Math.max(atMs + leaseMs, back) + takeBackMs;
    for (const { job, worker, outcome, error_code, finished_ms } of facts.attempts) {
      const isTakenBack = workers.has(worker) && outcome === "crashed" && error_code === "worker_died";
      if (isTakenBack && finished_ms !== null && finished_ms > latestMs) {
        wrong.push(`job ${job} was taken back ${Math.round(finished_ms - latestMs)} ms too late`);
      }
    }
  }
  return wrong;
}

function findBrokenLimits({ facts, calls, acknowledged }: Observed): string[] {
  const jobs = new Map(facts.jobs.map((job) => [job.id, job]));
  const attempts = new Map(facts.attempts.map((attempt) => [`${attempt.job} ${attempt.fence}`, attempt]));
  const effective = calls.map((call) => ({
    ...call,
    endedMs: effectiveEnd(call, attempts.get(`${call.job} ${call.fence}`)),
  }));
  const ofTask = (task: { readonly name: string }) =>
    effective.filter(({ job }) => jobs.get(job)?.task === task.name);
  const wrong: string[] = [];
  const atMost = (what: string, most: number, intervals: readonly Interval[]): void => {
    const count = mostAtOnce(intervals);
    if (count > most) wrong.push(`${count} jobs ${what} ran at once, not ${most}`);
  };
  atMost("of a task with a limit", limits.limited, ofTask(tasks.limited));
  for (const [key, ofKey] of Map.groupBy(
    ofTask(tasks.keyed),
    ({ job }) => jobs.get(job)?.name?.slice(0, "key a".length) ?? "",
  )) {
    atMost(`of ${key}`, limits.keyed, ofKey);
  }
  atMost("of a queue with a limit", 1, ofTask(tasks.narrow));

  const starts = facts.attempts
    .filter(({ task }) => task === tasks.rated.name)
    .map(({ started_ms }) => started_ms)
    .toSorted((left, right) => left - right);
  for (const [first, firstMs] of starts.entries()) {
    for (const [last, lastMs] of starts.entries()) {
      const allowed = 1 + ((lastMs - firstMs + rateSlackMs) / 1000) * limits.ratePerSecond;
      if (last >= first && last - first + 1 > allowed)
        wrong.push(`${last - first + 1} jobs started in ${lastMs - firstMs} ms under a rate limit`);
    }
  }

  const pausedMs = acknowledged.find(({ name }) => name === "paused")?.atMs ?? Infinity;
  const resumedMs = acknowledged.find(({ name }) => name === "about to resume")?.atMs ?? Infinity;
  const early = ofTask(tasks.held).filter(
    ({ startedMs }) => startedMs > pausedMs && startedMs < resumedMs,
  ).length;
  if (early > 0) wrong.push(`${early} jobs started in a queue that was paused`);
  return wrong;
}

/** A run that lost its claim no longer counts, although its computation may go on for a moment. */
function effectiveEnd(call: OutsideCall, attempt: Attempt | undefined): number {
  const wasTaken = attempt?.outcome === "crashed" || attempt?.outcome === "handed_back";
  return Math.min(call.endedMs ?? Infinity, (wasTaken ? attempt.finished_ms : null) ?? Infinity);
}

/** What waits for others runs once when they have succeeded, and never when the whole was cancelled. */
function findBrokenJoins({ facts }: Observed): string[] {
  const started = facts.workflows.filter(({ name }) => name === startedFlow).length;
  const starters = facts.jobs.filter(({ task }) => task === tasks.starter.name).length;
  const miscounted =
    started === starters ? [] : [`${started} workflows were started by ${starters} jobs that start one`];
  const broken = facts.workflows.flatMap(({ name, state, bodies }) => {
    const isToCancel = name === "flow to cancel";
    const expected = { state: isToCancel ? "cancelled" : "succeeded", bodies: isToCancel ? 0 : 1 };
    const wrong: string[] = [];
    if (state !== expected.state) wrong.push(`the workflow ${name} has ${state}, not ${expected.state}`);
    if (bodies !== expected.bodies) wrong.push(`the second part of ${name} has succeeded ${bodies} times`);
    return wrong;
  });
  return [...miscounted, ...broken];
}

function mostAtOnce(intervals: readonly Interval[]): number {
  return Math.max(
    0,
    ...intervals.map(
      ({ startedMs }) =>
        intervals.filter((other) => overlap(other, { startedMs, endedMs: startedMs + 0.5 })).length,
    ),
  );
}

/** I7, inside of the database, and what still waits for an answer from outside. */
function findDebris({ facts, launches, deaths, calls }: Observed): string[] {
  const wrong = facts.jobs
    .filter((job: Job) => job.is_tied)
    .map(({ id, state }) => `job ${id} is ${state} and has a lease, a worker or a limit`);
  for (const { queue, state, told, real } of facts.counts) {
    if (told !== real) wrong.push(`the counts tell of ${told} jobs ${state} in ${queue}; there are ${real}`);
  }
  for (const { place, count } of facts.orphans)
    if (count > 0) wrong.push(`${count} rows in ${place} belong to no job`);
  const dead = new Set(deaths.map(({ launch }) => launch));
  for (const { name, is_stopped } of facts.workers) {
    if (!dead.has(name) && !is_stopped) wrong.push(`the worker of ${name} has never said goodbye`);
  }
  for (const { check, count, examples } of facts.problems)
    wrong.push(`${count} times ${check}: ${examples.join(", ")}`);
  wrong.push(...facts.held_open);
  for (const { job, name, endedMs } of calls)
    if (endedMs === undefined) wrong.push(`the call ${name} of job ${job} is still open`);
  if (launches.length === 0) wrong.push("nothing was ever launched");
  return wrong;
}
