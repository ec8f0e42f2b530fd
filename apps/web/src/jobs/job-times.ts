import type { Job, JobDetail } from "@millrace/contracts";

/** From when to when something lasted; without an end it lasts still. */
export type Span = { readonly from: string; readonly to: string | null };

/** How long a job waited for its newest turn since that was due; undefined when none is known. */
export function waitOf(job: JobDetail, nowMs: number): Span | undefined {
  const due = laterOf(job.run_at, job.created_at);
  if (job.state === "queued") return Date.parse(due) <= nowMs ? { from: due, to: null } : undefined;
  const newest = job.attempts[0];
  // Put back in line since then: it is due again after that attempt began.
  if (newest === undefined || Date.parse(newest.started_at) < Date.parse(due)) return undefined;
  return { from: due, to: newest.started_at };
}

/** How long its newest attempt runs or ran; undefined before the first. */
export function runOf(job: JobDetail): Span | undefined {
  const newest = job.attempts[0];
  return newest === undefined ? undefined : { from: newest.started_at, to: newest.finished_at };
}

/** From its creation to its end, waits and retries included; undefined while it has not ended. */
export function wholeOf(job: Job): Span | undefined {
  return job.finished_at === null ? undefined : { from: job.created_at, to: job.finished_at };
}

/** Whether it will do nothing more by itself. */
export function hasEnded(job: Pick<Job, "finished_at">): boolean {
  return job.finished_at !== null;
}

export function canCancel(job: Job): boolean {
  return !hasEnded(job) && job.display_state !== "cancelling";
}

/** Whether a person may put it back in line: what succeeded is run again as a new job instead. */
export function canRetry(job: Job): boolean {
  return hasEnded(job) && job.state !== "succeeded";
}

function laterOf(first: string, second: string): string {
  return Date.parse(first) >= Date.parse(second) ? first : second;
}
