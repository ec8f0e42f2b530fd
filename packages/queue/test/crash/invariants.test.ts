import { describe, expect, it } from "vitest";
import { findViolations } from "./invariants.ts";
import type { Observed } from "./observed.ts";
import { survivorName } from "./victim-settings.ts";
import { limits, payStep, startedFlow, tasks } from "./victim-tasks.ts";

type Job = Observed["facts"]["jobs"][number];
type Attempt = Observed["facts"]["attempts"][number];
type Call = Observed["calls"][number];
type Pulse = Observed["pulses"][number];
type Look = Observed["looks"][number];

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
    price: 7,
    startedMs: 12_010,
    endedMs: 12_050,
    recordedMs: undefined,
    ...changes,
  };
}

function pulse(saidMs: number, changes: Partial<Pulse> = {}): Pulse {
  return {
    launch: "second",
    saidMs,
    isProgressing: true,
    doesBeat: true,
    loopDelayMs: 20,
    ...{ waitedMs: 5, starvedMs: 10 },
    ...changes,
  };
}

function look(when: Look["when"], changes: Partial<Look> = {}): Look {
  return { launch: "second", when, atMs: 11_500, live: 1, silent: 1, due: [], unserved: [], ...changes };
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
      steps: [{ job: "steps", key: payStep, state: "done", fence: 3, finished_ms: 12_060 }],
      streams: [stream("plain"), stream("steps")],
      counts: [{ queue: "main", state: "succeeded", told: 2, real: 2 }],
      orphans: [{ place: "job_attempt", count: 0 }],
      workers: [
        { id: "worker of first", name: "first", pid: 1, is_stopped: false },
        { id: "worker of second", name: "second", pid: 2, is_stopped: true },
      ],
      orders: [{ name: "order", job: "steps", is_there: true }],
      ledger: [{ job: "steps", fence: 3, price: 7 }],
      ends: [{ job: "steps", state: "succeeded", count: 1 }],
      workflows: [{ name: "joined", state: "succeeded", bodies: 1 }],
      problems: [],
      held_open: [],
      task_ends: [
        { task: tasks.plain.name, state: "succeeded", count: 1 },
        { task: tasks.steps.name, state: "succeeded", count: 1 },
      ],
      queue_ends: [{ queue: "main", state: "succeeded", count: 2 }],
      limiters: [{ key: `task:${tasks.rated.name}`, tokens: 0.5 }],
    },
    calls: [
      call({}),
      call({
        launch: "first",
        job: "steps",
        name: payStep,
        isStep: true,
        price: 6,
        startedMs: 9_950,
        endedMs: killedMs,
      }),
      call({ job: "steps", name: payStep, isStep: true, fence: 3, recordedMs: 12_060 }),
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
    pulses: [pulse(9_500, { launch: "first" }), pulse(11_500), pulse(12_000)],
    looks: [
      look("before work", { live: 0, due: ["main"], unserved: ["main"] }),
      look("at work"),
      look("at rest"),
    ],
    losses: [{ launch: "second", atMs: 11_100, worker: "worker of first", name: "first", jobs: 1 }],
    crashCounts: [{ launch: "second", task: tasks.steps.name, count: 1 }],
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

/** Changes in what was seen before work, at work or at rest. */
function looks(when: Look["when"], changes: Partial<Look>): Change {
  return ({ looks: seen }) => ({
    looks: seen.map((each) => (each.when === when ? { ...each, ...changes } : each)),
  });
}

/** Somebody who lived through the death, as it must be seen. */
function withSurvivor(observed: Observed): Partial<Observed> {
  return {
    launches: [{ name: survivorName, pid: 3, helloMs: 8_000, torn: [] }, ...observed.launches],
    pulses: [...observed.pulses, pulse(8_500, { launch: survivorName })],
    looks: observed.looks.map((each) =>
      each.when === "at rest" ? each : { ...each, live: each.live + 1, unserved: [] },
    ),
    facts: {
      ...observed.facts,
      workers: [
        ...observed.facts.workers,
        { id: "worker of it", name: survivorName, pid: 3, is_stopped: true },
      ],
    },
  };
}

function limited(task: { readonly name: string }, count: number): Change {
  const ids = Array.from({ length: count }, (_none, index) => `key a ${index + 1}`);
  return ({ facts: held, calls, acknowledged }) => ({
    facts: {
      ...held,
      jobs: [...held.jobs, ...ids.map((id) => job({ id, task: task.name }))],
      attempts: [...held.attempts, ...ids.map((id) => attempt({ job: id, task: task.name }))],
      streams: [...held.streams, ...ids.map(stream)],
      task_ends: [...held.task_ends, { task: task.name, state: "succeeded", count }],
      queue_ends: changeFirst(held.queue_ends, { count: 2 + count }),
    },
    calls: [...calls, ...ids.map((id) => call({ job: id }))],
    acknowledged: [...acknowledged, { name: "limited", jobs: ids, atMs: 9_500 }],
  });
}

describe("the invariants", () => {
  it("hold where a job went on after the crash", () => {
    expect(findViolations(good())).toEqual([]);
  });

  it("hold where somebody lived through the crash", () => {
    expect(findViolations({ ...good(), ...withSurvivor(good()) })).toEqual([]);
  });

  it("hold where a machine had no time for who seemed to stand still", () => {
    const { pulses, losses, ...others } = good();
    const waited = [
      pulse(16_000, { loopDelayMs: 4_000, waitedMs: 3_900, starvedMs: 5_900 }),
      pulse(16_100, { isProgressing: false, doesBeat: false }),
    ];
    const loss = { launch: "second", atMs: 16_150, worker: "worker of second", name: "second", jobs: 1 };

    expect(findViolations({ ...others, pulses: [...pulses, ...waited], losses: [...losses, loss] })).toEqual(
      [],
    );
  });

  it("hold where a claim was taken from one that noticed at once", () => {
    const observed = good();
    const calls = observed.calls.map((each) => (each.price === 6 ? { ...each, endedMs: 13_000 } : each));

    expect(findViolations({ ...observed, calls })).toEqual([]);
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
      facts(({ ledger }) => ({ ledger: [...ledger, ...ledger] })),
      "job steps has paid 2 times",
    ],
    [
      "a run that goes on for long after its claim was taken",
      ({ calls }) => ({
        calls: calls.map((each) => (each.price === 6 ? { ...each, endedMs: 20_000 } : each)),
      }),
      /job steps went on for .* ms under claim 1, which was over/,
    ],
    [
      "a claim that began before the one before it was over",
      facts(({ attempts }) => ({
        attempts: attempts.map((each) => (each.fence === 3 ? { ...each, started_ms: 10_050 } : each)),
      })),
      "claim 3 of job steps began before claim 1 was over",
    ],
    [
      "a step that was recorded by a claim that was over",
      facts(({ steps }) => ({ steps: changeFirst(steps, { fence: 1, finished_ms: 12_200 }) })),
      "step steps pay was recorded by claim 1, which was over",
    ],
    [
      "a charge by a claim that did not record the step",
      facts(({ ledger }) => ({ ledger: changeFirst(ledger, { fence: 1, price: 6 }) })),
      "claim 1 of job steps has paid and recorded no step",
    ],
    [
      "a charge of another price",
      facts(({ ledger }) => ({ ledger: changeFirst(ledger, { price: 8 }) })),
      "job steps has paid 8 for a call that cost 7",
    ],
    [
      "sums that differ",
      facts(({ ledger }) => ({ ledger: changeFirst(ledger, { price: 8 }) })),
      "8 were charged in all; the calls that were accepted cost 7",
    ],
    [
      "a rate that was given back twice",
      facts(({ limiters }) => ({ limiters: changeFirst(limiters, { tokens: 2 }) })),
      /has 2 starts left/,
    ],
    [
      "a rate that is overdrawn",
      facts(({ limiters }) => ({ limiters: changeFirst(limiters, { tokens: -1 }) })),
      /has -1 starts left/,
    ],
    [
      "an end that was counted twice for its queue",
      facts(({ queue_ends }) => ({ queue_ends: changeFirst(queue_ends, { count: 3 }) })),
      "queues: 3 ends in success are counted for main; there were 2 to 2",
    ],
    [
      "an end that was not counted for its queue",
      facts(() => ({ queue_ends: [] })),
      "queues: 0 ends in success are counted for main; there were 2 to 2",
    ],
    [
      "an end that was counted twice for its task",
      facts(({ task_ends }) => ({ task_ends: changeFirst(task_ends, { count: 2 }) })),
      /^tasks: 2 ends in success .* there were 0 to 1/,
    ],
    [
      "a worker that does not progress",
      ({ pulses }) => ({ pulses: [...pulses, pulse(12_100, { isProgressing: false })] }),
      "second said 1 times that it does not progress",
    ],
    [
      "a worker whose beats do not land",
      ({ pulses }) => ({ pulses: [...pulses, pulse(12_100, { doesBeat: false })] }),
      "second said 1 times that it does not beat",
    ],
    [
      "a loop that did not turn",
      ({ pulses }) => ({ pulses: [...pulses, pulse(12_100, { loopDelayMs: 4_000 })] }),
      "second stood still for 3995 ms",
    ],
    [
      "a process that said nothing for a while",
      ({ pulses }) => ({ pulses: [...pulses, pulse(16_000)] }),
      "second stood still for 3995 ms",
    ],
    [
      "a process that stood still until it died",
      ({ pulses, launches }) => ({
        pulses: pulses.slice(1),
        launches: changeFirst(launches, { helloMs: -5_000 }),
      }),
      "first stood still for 15000 ms until it died",
    ],
    [
      "a process that says nothing of its health",
      ({ pulses }) => ({ pulses: pulses.slice(0, 1) }),
      "second never said how it is",
    ],
    [
      "a look that nobody took",
      ({ looks: seen }) => ({ looks: seen.filter(({ when }) => when !== "at rest") }),
      "nobody looked at the workers at rest in second",
    ],
    [
      "a dead worker that is seen as live",
      looks("before work", { live: 1, silent: 0 }),
      "before work of second 0 workers were seen as silent; 1 had died",
    ],
    [
      "a live worker that is seen as silent",
      looks("at work", { live: 0, silent: 2 }),
      "at work of second 0 workers were seen as live; there were 1",
    ],
    [
      "a queue without a worker that nobody is told of",
      looks("before work", { unserved: [] }),
      "before work of second the queues seen without a worker were none, not main",
    ],
    [
      "a queue that is called deserted when its worker is back",
      looks("at work", { unserved: ["main"] }),
      "at work of second the queues seen without a worker were main, not none",
    ],
    [
      "a queue that is called deserted while somebody serves it",
      (observed) => {
        const survived = { ...observed, ...withSurvivor(observed) };
        return { ...survived, ...looks("before work", { unserved: ["main"] })(survived) };
      },
      "before work of second the queues seen without a worker were main, not none",
    ],
    [
      "a loss that was not told",
      () => ({ losses: [] }),
      /1 jobs were taken back .* of first; 0 were told of/,
    ],
    [
      "a loss of one who lives",
      ({ losses }) => ({
        losses: [
          ...losses,
          { launch: "second", atMs: 12_000, worker: "worker of second", name: "second", jobs: 1 },
        ],
      }),
      "second took second for lost, which lived",
    ],
    [
      "a crash that was not counted",
      () => ({ crashCounts: [] }),
      /0 crashes of .* were counted; there were 1/,
    ],
    [
      "a crash that was counted twice",
      ({ crashCounts }) => ({ crashCounts: [...crashCounts, ...crashCounts] }),
      /2 crashes of .* were counted; there were 1/,
    ],
    [
      "tables that do not agree",
      facts(() => ({ problems: [{ check: "a job has no input", count: 1, examples: ["plain"] }] })),
      "1 times a job has no input: plain",
    ],
    [
      "a transaction that is left open",
      facts(() => ({ held_open: ["a transaction of a victim stands idle"] })),
      "a transaction of a victim stands idle",
    ],
    [
      "a call that nobody has ended",
      ({ calls }) => ({ calls: [...calls, call({ name: "other", endedMs: undefined })] }),
      "the call other of job plain is still open",
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
