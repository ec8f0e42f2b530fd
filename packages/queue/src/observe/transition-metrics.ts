import { attemptOutcomeSchema, terminalJobStates } from "@millrace/contracts";
import type { AttemptOutcome, TerminalJobState } from "@millrace/contracts";
import { Counter, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { JobTransition } from "../events/event.ts";
import { attemptOutcome } from "./attempt-outcome.ts";

/**
 * In seconds: from a hint that is followed at once to the default hard limit of 30 minutes, with most
 * of them where people wait.
 */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];

/** Where tasks beyond the limit are counted. */
const other = "other";

export type KnownTask = { readonly name: string; readonly queue: string };

type Times = Pick<Histogram.Internal<string>, "observe">;

/**
 * The figures of one task in one queue. Plain numbers, handed to prom-client at a scrape: its own
 * counters look their labels up at each increment, which costs more than all the rest.
 */
type TaskFigures = {
  readonly queue: string;
  readonly task: string;
  enqueued: number;
  retries: number;
  crashes: number;
  readonly attempts: Record<AttemptOutcome, number>;
  readonly finished: Record<TerminalJobState, number>;
  readonly wait: Times;
  readonly run: Readonly<Record<AttemptOutcome, Times>>;
};

/**
 * Counts the transitions of jobs by queue and task, each in well under a microsecond. No more than
 * `maxTasks` pairs of queue and task get series of their own; later ones are counted as `other`.
 */
export class TransitionMetrics {
  readonly #maxTasks: number;
  readonly #wait: Histogram;
  readonly #run: Histogram;
  readonly #all: TaskFigures[] = [];
  /** By queue, then by task. */
  readonly #figures = new Map<string, Map<string, TaskFigures>>();
  #others: TaskFigures | undefined;

  /** Known tasks are shown from the start, so that the first of their counts is seen as a rise from zero. */
  constructor(registry: Registry, options: { maxTasks: number; knownTasks: readonly KnownTask[] }) {
    this.#maxTasks = options.maxTasks;
    this.#wait = new Histogram({
      name: "millrace_job_wait_seconds",
      help: "From when a job could have run to its start",
      labelNames: ["queue", "task"],
      buckets,
      registers: [registry],
    });
    this.#run = new Histogram({
      name: "millrace_job_run_seconds",
      help: "From the start of an attempt to its end",
      labelNames: ["queue", "task", "outcome"],
      buckets,
      registers: [registry],
    });
    addCounters(registry, this.#all);
    for (const { queue, name } of options.knownTasks) this.#figuresOf(queue, name);
  }

  count(transition: JobTransition): void {
    const figures = this.#figuresOf(transition.job.queue, transition.job.task);
    const outcome = attemptOutcome(transition);
    if (outcome !== undefined) countAttempt(figures, outcome, transition.runMs);
    switch (transition.type) {
      case "enqueued":
        figures.enqueued++;
        return;
      case "started":
        if (transition.waitMs !== undefined) figures.wait.observe(seconds(transition.waitMs));
        return;
      case "retry_scheduled":
        figures.retries++;
        return;
      case "succeeded":
      case "failed":
      case "cancelled":
      case "expired":
        figures.finished[transition.type]++;
        return;
      default:
        return;
    }
  }

  #figuresOf(queue: string, task: string): TaskFigures {
    return this.#figures.get(queue)?.get(task) ?? this.#add(queue, task);
  }

  #add(queue: string, task: string): TaskFigures {
    if (this.#all.length >= this.#maxTasks) return (this.#others ??= this.#create(other, other));
    const figures = this.#create(queue, task);
    const tasks = this.#figures.get(queue) ?? new Map<string, TaskFigures>();
    this.#figures.set(queue, tasks.set(task, figures));
    return figures;
  }

  #create(queue: string, task: string): TaskFigures {
    const figures: TaskFigures = {
      queue,
      task,
      enqueued: 0,
      retries: 0,
      crashes: 0,
      attempts: forEach(attemptOutcomeSchema.options, () => 0),
      finished: forEach(terminalJobStates, () => 0),
      wait: this.#wait.labels({ queue, task }),
      run: forEach(attemptOutcomeSchema.options, (outcome) => this.#run.labels({ queue, task, outcome })),
    };
    this.#all.push(figures);
    return figures;
  }
}

function countAttempt(figures: TaskFigures, outcome: AttemptOutcome, runMs: number | undefined): void {
  figures.attempts[outcome]++;
  if (outcome === "crashed") figures.crashes++;
  if (runMs !== undefined) figures.run[outcome].observe(seconds(runMs));
}

/** Clocks are set back; a time below zero would make the sum fall. */
function seconds(ms: number): number {
  return Math.max(0, ms) / 1000;
}

function forEach<Key extends string, Value>(
  keys: readonly Key[],
  create: (key: Key) => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, create(key)])) as Record<Key, Value>;
}

type CountedSample = { readonly labels: Record<string, string>; readonly value: number };

function addCounters(registry: Registry, all: readonly TaskFigures[]): void {
  addCounter(registry, all, {
    name: "millrace_jobs_enqueued_total",
    help: "Jobs that this process enqueued",
    labelNames: ["queue", "task"],
    samples: ({ queue, task, enqueued }) => [{ labels: { queue, task }, value: enqueued }],
  });
  addCounter(registry, all, {
    name: "millrace_attempts_total",
    help: "Attempts whose end this process recorded, by how they came out",
    labelNames: ["task", "outcome"],
    samples: ({ task, attempts }) =>
      Object.entries(attempts).map(([outcome, value]) => ({ labels: { task, outcome }, value })),
  });
  addCounter(registry, all, {
    name: "millrace_jobs_finished_total",
    help: "Jobs that this process ended for good, by their last state",
    labelNames: ["task", "state"],
    samples: ({ task, finished }) =>
      Object.entries(finished).map(([state, value]) => ({ labels: { task, state }, value })),
  });
  addCounter(registry, all, {
    name: "millrace_job_retries_total",
    help: "Failed attempts that another one follows",
    labelNames: ["task"],
    samples: ({ task, retries }) => [{ labels: { task }, value: retries }],
  });
  addCounter(registry, all, {
    name: "millrace_job_crashes_total",
    help: "Attempts whose process died",
    labelNames: ["task"],
    samples: ({ task, crashes }) => [{ labels: { task }, value: crashes }],
  });
}

function addCounter(
  registry: Registry,
  all: readonly TaskFigures[],
  counter: {
    readonly name: string;
    readonly help: string;
    readonly labelNames: readonly string[];
    readonly samples: (figures: TaskFigures) => readonly CountedSample[];
  },
): void {
  const { name, help, labelNames, samples } = counter;
  const metric = new Counter({
    name,
    help,
    labelNames,
    registers: [],
    collect() {
      this.reset();
      // A task in two queues comes twice: its figures add up.
      for (const { labels, value } of all.flatMap(samples)) this.inc(labels, value);
    },
  });
  registry.registerMetric(metric);
}
