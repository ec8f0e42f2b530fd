import { describe, expect, it } from "vitest";
import { findViolations } from "./invariants.ts";
import type { Observed } from "./invariants.ts";
import { limits, startedFlow, tasks } from "./victim-tasks.ts";

type Job = Observed["facts"]["jobs"][number];
type Attempt = Observed["facts"]["attempts"][number];
type Call = Observed["calls"][number];

const killedMs = 10_000;
const backMs = 11_000;

function job(changes: Partial<Job>): Job {
  const id = changes.id ?? "plain";
  return {
    id,
    name: id,
    is_member: false,
    parent: null,
    task: tasks.plain.name,
    queue: "main",
    state: "succeeded",
    stream: `job:${id}`,
    attempt: 1,
    fence: 1,
    crash_count: 0,
    event_seq: 2,
    has_end_time: true,
    is_tied: false,
    has_input: true,
    has_result: true,
    output_fence: 1,
    error_code: null,
    logs: 0,
    ...changes,
  };
}

function attempt(changes: Partial<Attempt>): Attempt {
  return {
    job: "plain",
    task: tasks.plain.name,
    fence: 1,
    attempt: 1,
    worker: "worker of second",
    outcome: "succeeded",
    error_code: null,
    started_ms: 12_000,
    finished_ms: 12_100,
    ...changes,
  };
}

function call(changes: Partial<Call>): Call {
  const { fence = 1, job: id = "plain" } = changes;
  return {
    launch: "second",
    job: id,
    name: "answer",
    isStep: false,
    fence,
    run: `${id} ${fence}`,
    startedMs: 12_010,
    endedMs: 12_050,
    recordedMs: undefined,
    ...changes,
  };
}

function stream(id: string): Observed["facts"]["streams"][number] {
  return { stream: `job:${id}`, count: 2, first: 1, last: 2, counter: 2, queued: 1, ends: 1, logged: 0 };
}

/** A job that ran after the crash, and one that was in the midst of its only step when its process died. */
function good(): Observed {
  const crashed = { task: tasks.steps.name, job: "steps", worker: "worker of first", outcome: "crashed" };
  return {
    facts: {
      jobs: [job({}), job({ id: "steps", task: tasks.steps.name, fence: 3, output_fence: 3 })],
      attempts: [
        attempt({}),
        attempt({ ...crashed, error_code: "worker_died", started_ms: 9_900, finished_ms: 11_100 }),
        attempt({ task: tasks.steps.name, job: "steps", fence: 3 }),
      ],
      steps: [{ job: "steps", key: "pay", state: "done", fence: 3 }],
      streams: [stream("plain"), stream("steps")],
      counts: [{ queue: "main", state: "succeeded", told: 2, real: 2 }],
      orphans: [{ place: "job_attempt", count: 0 }],
      workers: [
        { id: "worker of first", name: "first", pid: 1, is_stopped: false },
        { id: "worker of second", name: "second", pid: 2, is_stopped: true },
      ],
      orders: [{ name: "order", job: "steps", is_there: true }],
      ledger: [{ job: "steps", count: 1 }],
      ends: [{ job: "steps", state: "succeeded", count: 1 }],
      workflows: [{ name: "joined", state: "succeeded", bodies: 1 }],
    },
    calls: [
      call({}),
      call({ launch: "first", job: "steps", name: "pay", isStep: true, startedMs: 9_950, endedMs: killedMs }),
      call({ job: "steps", name: "pay", isStep: true, fence: 3, recordedMs: 12_060 }),
    ],
    launches: [
      { name: "first", pid: 1, helloMs: 9_000, torn: [] },
      { name: "second", pid: 2, helloMs: backMs, torn: [] },
    ],
    acknowledged: [
      { name: "plain", jobs: ["plain"], atMs: 9_500 },
      { name: "steps", jobs: ["steps"], atMs: 9_500 },
    ],
    deaths: [{ launch: "first", atMs: killedMs, stepsInFlight: 1 }],
  };
}

type Change = (observed: Observed) => Partial<Observed>;

/** Changes in what the database holds. */
function facts(change: (facts: Observed["facts"]) => Partial<Observed["facts"]>): Change {
  return ({ facts: held }) => ({ facts: { ...held, ...change(held) } });
}

function changeFirst<Row>(rows: readonly Row[], changes: Partial<Row>): Row[] {
  return rows.map((row, index) => (index === 0 ? { ...row, ...changes } : row));
}

function limited(task: { readonly name: string }, count: number): Change {
  const ids = Array.from({ length: count }, (_none, index) => `key a ${index + 1}`);
  return ({ facts: held, calls, acknowledged }) => ({
    facts: {
      ...held,
      jobs: [...held.jobs, ...ids.map((id) => job({ id, task: task.name }))],
      attempts: [...held.attempts, ...ids.map((id) => attempt({ job: id, task: task.name }))],
      streams: [...held.streams, ...ids.map(stream)],
    },
    calls: [...calls, ...ids.map((id) => call({ job: id }))],
    acknowledged: [...acknowledged, { name: "limited", jobs: ids, atMs: 9_500 }],
  });
}

describe("the invariants", () => {
  it("hold where a job went on after the crash", () => {
    expect(findViolations(good())).toEqual([]);
  });

  it.each<[string, Change, string | RegExp]>([
    [
      "an acknowledged job that is not there",
      ({ acknowledged }) => ({ acknowledged: [...acknowledged, { name: "x", jobs: ["gone"], atMs: 1 }] }),
      'job gone of the request "x" is lost',
    ],
    [
      "a job nobody asked for",
      ({ acknowledged }) => ({ acknowledged: acknowledged.slice(1) }),
      /plain .*never asked for/,
    ],
    [
      "two jobs of one request",
      facts(({ jobs }) => ({ jobs: [...jobs, job({ name: "plain", id: "twin" })] })),
      "a request has made two jobs",
    ],
    [
      "a transaction that was committed in part",
      ({ launches }) => ({ launches: changeFirst(launches, { torn: ["2 of 5 jobs"] }) }),
      "launch first found 2 of 5 jobs",
    ],
    [
      "an order without its job",
      facts(({ orders }) => ({ orders: changeFirst(orders, { is_there: false }) })),
      /order has no job/,
    ],
    [
      "a job that still runs",
      facts(({ jobs }) => ({
        jobs: changeFirst(jobs, { state: "running", has_end_time: false, has_result: false }),
      })),
      /is still running/,
    ],
    [
      "a job that failed where it should have succeeded",
      facts(({ jobs, attempts }) => ({
        jobs: changeFirst(jobs, { state: "failed", error_code: "x" }),
        attempts: changeFirst(attempts, { outcome: "failed" }),
      })),
      /has failed \(x\), not succeeded/,
    ],
    [
      "an end without a result",
      facts(({ jobs }) => ({ jobs: changeFirst(jobs, { has_result: false }) })),
      /has a result: false/,
    ],
    [
      "a result of another claim",
      facts(({ jobs }) => ({ jobs: changeFirst(jobs, { output_fence: 2 }) })),
      /result of claim 2, but 1 has won/,
    ],
    [
      "an end that the domain heard twice",
      facts(({ ends }) => ({ ends: changeFirst(ends, { count: 2 }) })),
      /heard 2 times/,
    ],
    [
      "a body that ran twice",
      facts(({ workflows }) => ({ workflows: changeFirst(workflows, { bodies: 2 }) })),
      /second part of joined has succeeded 2 times/,
    ],
    [
      "more workflows than jobs start",
      facts(({ workflows }) => ({
        workflows: [...workflows, { name: startedFlow, state: "succeeded", bodies: 1 }],
      })),
      /1 workflows were started by 0 jobs/,
    ],
    [
      "a workflow whose join was lost",
      facts(({ workflows }) => ({ workflows: changeFirst(workflows, { state: "running", bodies: 0 }) })),
      /workflow joined has running/,
    ],
    [
      "an end that the domain never heard",
      facts(() => ({ ends: [] })),
      /never heard that job steps has succeeded/,
    ],
    [
      "two attempts that succeeded",
      facts(({ attempts }) => ({ attempts: [...attempts, attempt({ fence: 2, attempt: 2 })] })),
      /has 2 attempts that succeeded/,
    ],
    [
      "an attempt without an end",
      facts(({ attempts }) => ({ attempts: changeFirst(attempts, { outcome: null }) })),
      /attempt without an end/,
    ],
    [
      "a crash that was counted as an attempt",
      facts(({ jobs, attempts }) => ({
        jobs: jobs.map((each) => (each.id === "steps" ? { ...each, attempt: 2 } : each)),
        attempts: attempts.map((each) => (each.fence === 3 ? { ...each, attempt: 2 } : each)),
      })),
      /has attempt 2 under claim 3, not 1/,
    ],
    [
      "a run without a record",
      facts(({ attempts }) => ({ attempts: attempts.slice(1) })),
      "claim 1 of job plain has run and has no record",
    ],
    [
      "a claim without a record, of a job that never came to run",
      facts(({ attempts }) => ({ attempts: attempts.filter(({ outcome }) => outcome !== "crashed") })),
      /job steps "steps" has records of claims 3 alone/,
    ],
    [
      "a gap in the events",
      facts(({ streams }) => ({ streams: changeFirst(streams, { last: 3 }) })),
      /2 events from 1 to 3/,
    ],
    [
      "a counter that is ahead of the events",
      facts(({ streams }) => ({ streams: changeFirst(streams, { counter: 3 }) })),
      /counter is 3/,
    ],
    [
      "two ends in one stream",
      facts(({ streams }) => ({ streams: changeFirst(streams, { ends: 2 }) })),
      /ended 2 times/,
    ],
    [
      "a log line that was not told",
      facts(({ jobs }) => ({ jobs: changeFirst(jobs, { logs: 1 }) })),
      /tells of 0 log lines; there are 1/,
    ],
    [
      "a job without events",
      facts(({ streams }) => ({ streams: streams.slice(1) })),
      "job:plain has no events",
    ],
    [
      "a recorded step that was done again",
      facts(({ steps }) => ({ steps: changeFirst(steps, { fence: 1 }) })),
      "step steps pay was recorded by claim 1 and done again by 3",
    ],
    [
      "a recorded step that was never done",
      ({ calls }) => ({ calls: calls.filter(({ fence, isStep }) => fence === 1 || !isStep) }),
      "step steps pay was recorded by claim 3, which never did it",
    ],
    [
      "more repeated steps than were in flight",
      ({ deaths }) => ({ deaths: changeFirst(deaths, { stepsInFlight: 0 }) }),
      /1 steps were repeated; 0 were in flight/,
    ],
    [
      "a step that was repeated after an attempt that lost nothing",
      facts(({ attempts }) => ({
        attempts: attempts.map((each) =>
          each.outcome === "crashed" ? { ...each, outcome: "snoozed" } : each,
        ),
      })),
      "step steps pay was repeated after claim 1, which snoozed",
    ],
    [
      "two runs at once under one claim",
      ({ calls }) => ({ calls: [...calls, call({ run: "another" })] }),
      /job plain ran under claims 1 .* and 1 at once/,
    ],
    [
      "a charge made twice",
      facts(({ ledger }) => ({ ledger: changeFirst(ledger, { count: 2 }) })),
      "job steps has paid 2 times",
    ],
    ["a charge that is missing", facts(() => ({ ledger: [] })), "job steps has paid 0 times"],
    [
      "a job that was taken back late",
      facts(({ attempts }) => ({
        attempts: attempts.map((each) =>
          each.outcome === "crashed" ? { ...each, finished_ms: 99_000 } : each,
        ),
      })),
      /job steps was taken back .* too late/,
    ],
    [
      "more jobs of a task than its limit",
      limited(tasks.limited, limits.limited + 1),
      /3 jobs of a task with a limit ran at once/,
    ],
    [
      "more jobs of a key than its limit",
      limited(tasks.keyed, limits.keyed + 1),
      /2 jobs of key a ran at once/,
    ],
    [
      "more jobs of a queue than its limit",
      limited(tasks.narrow, 2),
      /2 jobs of a queue with a limit ran at once/,
    ],
    ["more starts than a rate allows", limited(tasks.rated, 3), /3 jobs started in 0 ms under a rate limit/],
    [
      "a start in a paused queue",
      (observed) => ({
        ...limited(tasks.held, 1)(observed),
        acknowledged: [
          { name: "plain", jobs: ["plain", "steps", "key a 1"], atMs: 1 },
          { name: "paused", jobs: [], atMs: 12_000 },
          { name: "about to resume", jobs: [], atMs: 13_000 },
        ],
      }),
      "1 jobs started in a queue that was paused",
    ],
    [
      "a lease that was left",
      facts(({ jobs }) => ({ jobs: changeFirst(jobs, { is_tied: true }) })),
      /has a lease, a worker or a limit/,
    ],
    [
      "a count that is not true",
      facts(({ counts }) => ({ counts: changeFirst(counts, { told: 3 }) })),
      /counts tell of 3 jobs .* there are 2/,
    ],
    [
      "rows of no job",
      facts(({ orphans }) => ({ orphans: changeFirst(orphans, { count: 4 }) })),
      "4 rows in job_attempt belong to no job",
    ],
    [
      "a worker that never said goodbye",
      facts(({ workers }) => ({ workers: workers.map((worker) => ({ ...worker, is_stopped: false })) })),
      "the worker of second has never said goodbye",
    ],
  ])("are broken by %s", (_what, change, expected) => {
    const observed = good();

    const violations = findViolations({ ...observed, ...change(observed) });

    expect(violations).toContainEqual(expect.stringMatching(expected));
  });
});
