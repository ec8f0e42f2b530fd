import type { Job, JobDetail } from "@millrace/contracts";

/** A job as the API gives it, with what a test says otherwise. */
export function testJob(changes: Partial<Job> = {}): Job {
  const id = changes.id ?? "019d0000-0000-7000-8000-000000000001";
  return {
    id,
    task: "reports.build_daily",
    queue: "batch",
    state: "queued",
    display_state: changes.state ?? "queued",
    reason: null,
    priority: 5,
    attempt: 0,
    max_attempts: 4,
    crash_count: 0,
    run_at: "2026-11-20T12:00:00Z",
    created_at: "2026-11-20T12:00:00Z",
    started_at: null,
    finished_at: null,
    parent_id: null,
    workflow_id: null,
    progress: {
      percent: 0,
      stage: null,
      message: null,
      done: null,
      total: null,
      unit: null,
      eta_seconds: null,
    },
    error: null,
    put_off: null,
    waiting_for: null,
    links: {
      self: `/api/jobs/${id}`,
      events: `/api/jobs/${id}/events`,
      cancel: `/api/jobs/${id}/cancel`,
      retry: `/api/jobs/${id}/retry`,
      answer: `/api/jobs/${id}/answer`,
    },
    ...changes,
  };
}

export function testJobDetail(changes: Partial<JobDetail> = {}): JobDetail {
  return {
    ...testJob(),
    input: {},
    output: null,
    omitted: [],
    meta: {},
    tags: [],
    owner: "local",
    stream: "job:019d0000-0000-7000-8000-000000000001",
    trace_id: null,
    attempts: [],
    steps: [],
    ...changes,
  };
}
