import { isTerminal } from "@millrace/contracts";
import { allJobs, appendEvent, end, endAttempt, fairPlaces, goOn, putBack, tell } from "./model.ts";
import type { Model, ModelJob, Refusal } from "./model.ts";
import { answers, tasks } from "./world.ts";

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

export function answer(
  model: Model,
  id: string,
  given: { readonly key: string; readonly answer: string },
): "answered" | Refusal {
  const job = model.jobs.get(id);
  if (job === undefined) return { refused: "job_not_found" };
  const recorded = job.answers.get(given.key);
  if (recorded !== undefined) return recorded === given.answer ? "answered" : { refused: "already_answered" };
  const isAsked = job.asks?.key === given.key;
  if (job.state === "expired" && isAsked) return { refused: "answer_too_late" };
  if (job.state !== "waiting") return { refused: "job_not_waiting" };
  if (!isAsked) return { refused: "waits_for_another" };
  if (job.expiresAt !== null && job.expiresAt <= model.now) return { refused: "answer_too_late" };
  if (!(answers as readonly string[]).includes(given.answer)) return { refused: "invalid_answer" };
  goOn(model, job, given.answer);
  return "answered";
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
