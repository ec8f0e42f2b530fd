import {
  allJobs,
  appendEvent,
  ask,
  compareBest,
  compareOldest,
  end,
  endAttempt,
  heldJob,
  putBack,
} from "./model.ts";
import type { Model, ModelClaim, ModelJob, ModelPlace, ModelQuestion, OrderedJob } from "./model.ts";
import { durations } from "./world.ts";
import type { TaskName } from "./world.ts";

export type ClaimAsked = {
  readonly worker: number;
  readonly queue: string;
  readonly tasks: readonly TaskName[];
  readonly limit: number;
  readonly oldest: number;
  /** Behind what this worker's last claim of the queue took, as far as there is something. */
  readonly goesOn: boolean;
};

export function placeKey({ worker, queue }: Pick<ClaimAsked, "worker" | "queue">): string {
  return `${worker} ${queue}`;
}

export function isPaused(model: Model, queue: string): boolean {
  return [queue, "*"].some((name) => {
    const until = model.pauses.get(name);
    return until === null || (until !== undefined && until > model.now);
  });
}

/** The jobs that go to the worker, as they are then, in no particular order. */
export function claim(model: Model, asked: ClaimAsked): ModelJob[] {
  const from = asked.goesOn ? model.places.get(placeKey(asked)) : undefined;
  model.places.delete(placeKey(asked));
  if (isPaused(model, asked.queue)) return [];
  const due = allJobs(model).filter(
    (job) =>
      job.state === "queued" &&
      job.queue === asked.queue &&
      job.runAt <= model.now &&
      asked.tasks.includes(job.task) &&
      (job.expiresAt === null || job.expiresAt > model.now),
  );
  const oldest = behindFirst(due.toSorted(compareOldest), from?.oldest, compareOldest).slice(0, asked.oldest);
  const others = due.filter((job) => !oldest.includes(job)).toSorted(compareBest);
  const isMoreUrgent = others.some(({ priority }) => priority > (from?.best?.priority ?? 9));
  const best = isMoreUrgent ? others : behindFirst(others, from?.best, compareBest);
  const bestChosen = best.slice(0, asked.limit - asked.oldest);
  const place: ModelPlace = {
    oldest: placeOf(oldest.at(-1)) ?? from?.oldest ?? null,
    best: placeOf(bestChosen.at(-1)) ?? from?.best ?? null,
  };
  const chosen = [...oldest, ...bestChosen];
  if (chosen.length > 0) model.places.set(placeKey(asked), place);
  for (const job of chosen) start(model, job, asked.worker);
  return chosen;
}

/** First those behind a place, of its priority where that counts, then all others; each in order. */
function behindFirst(
  sorted: readonly ModelJob[],
  place: OrderedJob | null | undefined,
  compare: (left: OrderedJob, right: OrderedJob) => number,
): ModelJob[] {
  if (place === null || place === undefined) return [...sorted];
  const isBehind = (job: ModelJob): boolean =>
    compare(job, place) > 0 && (compare === compareOldest || job.priority === place.priority);
  return [...sorted.filter(isBehind), ...sorted.filter((job) => !isBehind(job))];
}

function placeOf(job: ModelJob | undefined): OrderedJob | undefined {
  if (job === undefined) return undefined;
  const { priority, fair, runAt, id } = job;
  return { priority, fair, runAt, id };
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
  | { readonly outcome: "snoozed"; readonly question: ModelQuestion }
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
      if ("question" in done) ask(model, job, done.question);
      else putBack(model, job, { why: "snoozed", delayMs: done.delayMs });
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
