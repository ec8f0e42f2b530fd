import type { CrewRunDetail, CrewRunTask } from "@millrace/contracts";

export function testCrewTask(changes: Partial<CrewRunTask> = {}): CrewRunTask {
  return { task: "gather", title: "Gather", agent: "researcher", state: "pending", output: null, ...changes };
}

/** A run as the API gives it, with what a test says otherwise. */
export function testCrewRun(changes: Partial<CrewRunDetail> = {}): CrewRunDetail {
  const self = "/api/crews/newsroom/runs/019d0000-0000-7000-8000-000000000002";
  return {
    id: "019d0000-0000-7000-8000-000000000002",
    crew: "newsroom",
    state: "running",
    display_state: "running",
    reason: null,
    attempt: 1,
    inputs: {},
    job_id: "019d0000-0000-7000-8000-000000000001",
    replay_of: null,
    replay_from: null,
    tasks_total: 2,
    tasks_done: 0,
    created_at: "2026-11-20T12:00:00Z",
    started_at: "2026-11-20T12:00:01Z",
    finished_at: null,
    error: null,
    usage: {
      model_calls: 0,
      input_tokens: 0,
      output_tokens: 0,
      total_tokens: 0,
      tool_calls: 0,
      cost: 0,
    },
    put_off: null,
    waiting_for: null,
    links: {
      self,
      crew: "/api/crews/newsroom",
      job: "/api/jobs/019d0000-0000-7000-8000-000000000001",
      events: `${self}/events`,
      cancel: `${self}/cancel`,
      answer: `${self}/answer`,
      replay: `${self}/replay`,
    },
    result: null,
    tasks: [testCrewTask(), testCrewTask({ task: "write", title: "Write", agent: "editor" })],
    files: [],
    ...changes,
  };
}
