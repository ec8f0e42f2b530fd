import {
  allJobs,
  comebackPlaces,
  compareFair,
  compareOldest,
  end,
  endAttempt,
  fairPlaces,
  goOn,
  putBack,
  tell,
} from "./model.ts";
import type { Model, ModelJob } from "./model.ts";
import { durations } from "./world.ts";

export function overdue(model: Model): ModelJob[] {
  return allJobs(model).filter((job) => job.leaseUntil !== null && job.leaseUntil < model.now);
}

/** Takes a job back from a worker that has died. */
export function takeBack(model: Model, job: ModelJob): void {
  endAttempt(job, "crashed", "worker_died");
  if (job.isCancelRequested) end(model, job, { state: "cancelled" });
  else putBack(model, job, { why: "crashed" });
}

/** Returns how many became due. */
export function promote(model: Model): number {
  const ready = allJobs(model).filter(
    (job) => job.state === "scheduled" && job.parkedBy === null && job.runAt <= model.now,
  );
  const due = [
    ...ready.filter(({ reason }) => reason !== "delay").toSorted(compareFair),
    ...ready.filter(({ reason }) => reason === "delay").toSorted(compareOldest),
  ];
  const places = fairPlaces(model, due);
  const comebacks = comebackPlaces(model, due);
  for (const [index, job] of due.entries()) {
    job.fair = (job.reason === "delay" ? places : comebacks)[index] ?? 0;
    job.state = "queued";
    job.reason = null;
    tell(model, "due", job);
  }
  return due.length;
}

export function late(model: Model): ModelJob[] {
  return allJobs(model)
    .filter(
      (job) =>
        job.expiresAt !== null &&
        job.expiresAt <= model.now &&
        ["queued", "scheduled", "waiting"].includes(job.state),
    )
    .toSorted((left, right) => (left.expiresAt ?? 0) - (right.expiresAt ?? 0));
}

export function expire(model: Model, job: ModelJob): void {
  if (job.state === "waiting" && job.asks?.goesOnAtExpiry === true) goOn(model, job, "no");
  else end(model, job, { state: "expired" });
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
