import { isTerminal } from "@millrace/contracts";
import type { JobState } from "@millrace/contracts";
import { isDeepStrictEqual } from "node:util";
import { allJobs } from "./model.ts";
import type { Model, ModelJob } from "./model.ts";
import type { SeenJob, Snapshot } from "./system.ts";
import { durations, nameOf, tasks } from "./world.ts";

/** In what the database differs from the model, for people; nothing when it does not. */
export function differences(model: Model, snapshot: Snapshot): string[] {
  const jobs = allJobs(model);
  const ids = jobs.map(({ id }) => nameOf(id));
  const seenIds = snapshot.jobs.map(({ id }) => nameOf(id));
  if (!isDeepStrictEqual(ids, seenIds)) {
    return [`jobs: expected ${ids.join(", ")}; the database has ${seenIds.join(", ")}`];
  }
  return [
    ...jobs.flatMap((job, index) => jobDifferences(model, job, snapshot, snapshot.jobs[index])),
    ...streamDifferences(model, snapshot),
  ];
}

function jobDifferences(
  model: Model,
  job: ModelJob,
  snapshot: Snapshot,
  seen: SeenJob | undefined,
): string[] {
  if (seen === undefined) return [`${nameOf(job.id)} is not there`];
  const isRunning = job.state === "running";
  const expected = {
    task: job.task,
    queue: job.queue,
    owner: job.owner,
    state: job.state,
    reason: job.reason,
    parked_by: job.parkedBy,
    priority: job.priority,
    fair: job.fair,
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    crash_count: job.crashCount,
    runs_alone: job.runsAlone,
    fence: job.fence,
    event_seq: job.events.length,
    is_cancel_requested: job.isCancelRequested,
    has_worker: isRunning,
    asks: job.asks?.key ?? null,
    answers: Object.fromEntries(job.answers),
    input: job.request.input,
    result: job.result,
  };
  const times = {
    run_in: job.runAt,
    expires_in: job.expiresAt,
    lease_in: job.leaseUntil,
    finished_in: job.finishedAt,
    purge_in: job.purgeAt,
  };
  const attempts = snapshot.attempts
    .filter(({ job_id }) => job_id === job.id)
    .map(({ fence, attempt, outcome, error }) => ({ fence, attempt, outcome, error }));
  const label = nameOf(job.id);
  return [
    ...Object.entries(expected).flatMap(([name, value]) =>
      difference(`${label}: ${name}`, value, seen[name as keyof typeof expected]),
    ),
    ...Object.entries(times).flatMap(([name, value]) =>
      timeDifference(`${label}: ${name}`, model, value, seen[name as keyof typeof times]),
    ),
    ...difference(`${label}: attempts`, job.attempts, attempts),
    ...difference(`${label}: events`, numbered(job.events), eventsOf(snapshot, `job:${job.id}`)),
  ];
}

function streamDifferences(model: Model, snapshot: Snapshot): string[] {
  const expected = [...model.streams.keys()].toSorted();
  const seen = snapshot.streams.map(({ stream }) => stream);
  if (!isDeepStrictEqual(expected, seen)) return difference("shared streams", expected, seen);
  return snapshot.streams.flatMap(({ stream, last_seq, ended_in }) => {
    const { events = [], endedAt = null } = model.streams.get(stream) ?? {};
    return [
      ...difference(`${stream}: last number`, events.length, last_seq),
      ...difference(`${stream}: events`, numbered(events), eventsOf(snapshot, stream)),
      ...timeDifference(`${stream}: end`, model, endedAt, ended_in),
    ];
  });
}

function difference(what: string, expected: unknown, seen: unknown): string[] {
  if (isDeepStrictEqual(expected, seen)) return [];
  return [`${what}: expected ${JSON.stringify(expected)}; the database has ${JSON.stringify(seen)}`];
}

function timeDifference(what: string, model: Model, expected: number | null, seen: number | null): string[] {
  if (expected === null || seen === null) return difference(what, expected, seen);
  const inMs = expected - model.now;
  if (Math.abs(inMs - seen) < durations.toleranceMs) return [];
  return [`${what}: expected ${inMs} ms from now; the database has ${Math.round(seen)}`];
}

function numbered(events: readonly (string | null)[]): string[] {
  return events.flatMap((type, index) => (type === null ? [] : [`${index + 1} ${type}`]));
}

function eventsOf(snapshot: Snapshot, stream: string): string[] {
  return snapshot.events.filter((event) => event.stream === stream).map(({ seq, type }) => `${seq} ${type}`);
}

/**
 * What must be true of the rows whatever happened, without asking the model, which could be wrong in the
 * same way; nothing when all of it is.
 */
export function violations(before: Snapshot | undefined, snapshot: Snapshot): string[] {
  const fences = new Map(before?.jobs.map(({ id, fence }) => [id, fence]));
  const counts = new Map<string, number>();
  for (const { queue, state } of snapshot.jobs) {
    counts.set(`${queue} ${state}`, (counts.get(`${queue} ${state}`) ?? 0) + 1);
  }
  const truth = Object.fromEntries(counts);
  const { counted } = snapshot;
  return [
    ...snapshot.jobs.flatMap((job) => jobViolations(job, snapshot, fences.get(job.id) ?? 0)),
    ...(snapshot.orphans === 0 ? [] : [`${snapshot.orphans} rows belong to no job`]),
    ...(isDeepStrictEqual(truth, counted)
      ? []
      : [`counted ${JSON.stringify(counted)}, but there are ${JSON.stringify(truth)}`]),
  ];
}

function jobViolations(job: SeenJob, snapshot: Snapshot, fenceBefore: number): string[] {
  const isEnded = isTerminal(job.state as JobState);
  const attempts = snapshot.attempts.filter(({ job_id }) => job_id === job.id);
  const isOwn = !Object.values(tasks).some(({ queue, sharesStream }) => queue === job.queue && sharesStream);
  const events = snapshot.events.filter(({ stream }) => stream === `job:${job.id}`);
  const types = events.map(({ type }) => type.slice(type.indexOf(".") + 1));
  const ends = types.filter((type) => isTerminal(type as JobState)).length;
  const starts = types.filter((type) => type === "queued").length;
  const isPruned = events.length < job.event_seq;
  const rules: readonly (readonly [string, boolean])[] = [
    ["it has ended if and only if it has a time of its end", isEnded === (job.finished_in !== null)],
    ["it has a result if and only if it has ended", isEnded === (job.result !== null)],
    ["it is to be purged if and only if it has ended", isEnded === (job.purge_in !== null)],
    [
      "it asks for something until some time if it waits",
      job.state !== "waiting" || (job.asks !== null && job.expires_in !== null),
    ],
    ["its fence only grows", job.fence >= fenceBefore],
    ["it is not both parked and queued", job.parked_by === null || job.state === "scheduled"],
    ["its attempts are closed", attempts.every(({ is_closed }) => is_closed)],
    ["its attempts have grown fences", attempts.every(({ fence }) => fence <= job.fence)],
    ["at most one attempt succeeded", attempts.filter(({ outcome }) => outcome === "succeeded").length <= 1],
    [
      "it succeeded if and only if an attempt did",
      (job.state === "succeeded") === attempts.some(({ outcome }) => outcome === "succeeded"),
    ],
    [
      "its events have no gap",
      !isOwn || events.every(({ seq }, index) => seq === job.event_seq - events.length + index + 1),
    ],
    [
      "each time it was queued it ended once at most",
      !isOwn || isPruned || ends === starts - (isEnded ? 0 : 1),
    ],
    ["its last event is its end", !isOwn || !isEnded || events.length === 0 || types.at(-1) === job.state],
  ];
  return rules.filter(([_rule, holds]) => !holds).map(([rule]) => `${nameOf(job.id)} breaks: ${rule}`);
}
