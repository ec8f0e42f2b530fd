import type { AttemptOutcome } from "@millrace/contracts";
import { errorCode } from "@millrace/kernel";
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Attributes, Context, Link, Span, Tracer } from "@opentelemetry/api";
import {
  contextOf,
  currentTraceParent,
  findTracer,
  formatTraceParent,
  parseTraceParent,
} from "./trace-context.ts";

/** The span of one enqueue, under way. */
export type EnqueueSpan = {
  /** To be stored with the job, so that its attempts join the caller's trace; null outside of any trace. */
  readonly traceParent: string | null;
  /** Ends the span; with what was thrown when the job was not written. */
  readonly end: (error?: unknown) => void;
};

/** What came of an attempt, for its span. */
export type AttemptSpan = {
  /** To be told before the attempt's run resolves; `refused` when another holds the job by now. The last call counts. */
  readonly ended: (outcome: AttemptOutcome | "refused", error?: { readonly code: string }) => void;
};

/** The columns of a claimed job that its span tells of. */
export type TracedJob = {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly attempt: number;
  readonly trace_parent: string | null;
};

const nothing = (): void => undefined;
const noEnqueueSpan: EnqueueSpan = { traceParent: null, end: nothing };
const noAttemptSpan: AttemptSpan = { ended: nothing };

/**
 * Begins the span `enqueue <task>` in the caller's trace. Without OpenTelemetry in the process it makes
 * no span, and the trace context is whatever the caller's is.
 */
export function startEnqueueSpan(job: Pick<TracedJob, "id" | "task" | "queue">): EnqueueSpan {
  const tracer = findTracer();
  if (tracer === undefined) {
    const traceParent = currentTraceParent();
    return traceParent === null ? noEnqueueSpan : { traceParent, end: nothing };
  }
  const span = tracer.startSpan(`enqueue ${job.task}`, {
    kind: SpanKind.PRODUCER,
    attributes: { ...messagingAttributes("enqueue", job), "messaging.message.id": job.id },
  });
  return {
    traceParent: formatTraceParent(span.spanContext()),
    end: (error) => {
      if (error !== undefined) setError(span, errorCode(error));
      span.end();
    },
  };
}

/** Jobs that a workflow gets in one write. */
export type TracedWorkflow = {
  readonly id: string;
  /** Of all of them. */
  readonly job?: Pick<TracedJob, "task" | "queue">;
  readonly count: number;
  /** The trace that they belong to; null for one of their own. */
  readonly traceParent: string | null;
};

/**
 * Runs what writes jobs of a workflow in one span for all, as they may be tens of thousands: `enqueue <task>`, or
 * `enqueue workflow` where they may be of several tasks. `write` gets the trace context to be stored with each.
 */
export function traceMembers<Result>(
  { id, job, count, traceParent }: TracedWorkflow,
  write: (traceParent: string | null) => Promise<Result>,
): Promise<Result> {
  const tracer = findTracer();
  if (tracer === undefined) return write(traceParent);
  const attributes = {
    ...messagingAttributes("enqueue", job),
    "messaging.batch.message_count": count,
    "millrace.workflow": id,
  };
  const name = job === undefined ? "enqueue workflow" : `enqueue ${job.task}`;
  const parent = contextOf(traceParent);
  const span = tracer.startSpan(name, { kind: SpanKind.PRODUCER, attributes }, parent);
  return runInSpan(span, parent, () => write(formatTraceParent(span.spanContext())));
}

/**
 * Runs an attempt in the span `process <task>`, a child of the span that enqueued the job: spans that
 * the handler makes nest below it. Without OpenTelemetry in the process it only calls `run`.
 */
export function traceAttempt<Result>(
  job: TracedJob,
  run: (attempt: AttemptSpan) => Promise<Result>,
): Promise<Result> {
  const tracer = findTracer();
  if (tracer === undefined) return run(noAttemptSpan);
  const parent = contextOf(job.trace_parent);
  const span = startAttempt(tracer, job, parent);
  return runInSpan(span, parent, () => run(attemptSpan(span)));
}

/**
 * Begins the span of an attempt that runs as a part of a batch: nothing nests below it. To be closed. Undefined
 * without OpenTelemetry in the process.
 */
export function openAttempt(job: TracedJob): (AttemptSpan & { readonly close: () => void }) | undefined {
  const tracer = findTracer();
  if (tracer === undefined) return undefined;
  const span = startAttempt(tracer, job, contextOf(job.trace_parent));
  return { ...attemptSpan(span), close: () => span.end() };
}

/**
 * Runs what takes several jobs of one task at once in the span `process batch <task>`, linked with what
 * enqueued them: it belongs to none of their traces. Each job has its attempt's span besides.
 */
export function traceBatch<Result>(jobs: readonly TracedJob[], run: () => Promise<Result>): Promise<Result> {
  const tracer = findTracer();
  const [first] = jobs;
  if (tracer === undefined || first === undefined) return run();
  const links = jobs.flatMap((job): Link[] => {
    const enqueued = parseTraceParent(job.trace_parent);
    return enqueued === undefined ? [] : [{ context: enqueued }];
  });
  const attributes = {
    ...messagingAttributes("process", first),
    "messaging.batch.message_count": jobs.length,
  };
  const span = tracer.startSpan(
    `process batch ${first.task}`,
    { kind: SpanKind.CONSUMER, attributes, links },
    ROOT_CONTEXT,
  );
  return runInSpan(span, ROOT_CONTEXT, run);
}

/**
 * Runs a step that is not recorded yet in a span below its attempt's, named `step <key>` up to the
 * first `/` or `:` of the key: what follows tells places in the data apart, and names must stay few.
 */
export function traceStep<Result>(key: string, run: () => Promise<Result>): Promise<Result> {
  const tracer = findTracer();
  if (tracer === undefined) return run();
  const [name = key] = key.split(/[/:]/, 1);
  const parent = context.active();
  const span = tracer.startSpan(`step ${name}`, { attributes: { "millrace.step": key } }, parent);
  return runInSpan(span, parent, run);
}

function startAttempt(tracer: Tracer, job: TracedJob, parent: Context): Span {
  const attributes = {
    ...messagingAttributes("process", job),
    "messaging.message.id": job.id,
    "millrace.attempt": job.attempt,
  };
  return tracer.startSpan(`process ${job.task}`, { kind: SpanKind.CONSUMER, attributes }, parent);
}

/** As the conventions for messaging name them. */
function messagingAttributes(
  operation: "enqueue" | "process",
  job: Pick<TracedJob, "task" | "queue"> | undefined,
): Attributes {
  return {
    "messaging.system": "millrace",
    "messaging.operation.name": operation,
    "messaging.operation.type": operation === "enqueue" ? "send" : operation,
    ...(job === undefined ? {} : { "messaging.destination.name": job.queue, "millrace.task": job.task }),
  };
}

function attemptSpan(span: Span): AttemptSpan {
  return {
    ended: (outcome, error) => {
      span.setAttribute("millrace.outcome", outcome);
      if (error !== undefined) setError(span, error.code);
    },
  };
}

async function runInSpan<Result>(span: Span, parent: Context, run: () => Promise<Result>): Promise<Result> {
  try {
    return await context.with(trace.setSpan(parent, span), run);
  } catch (error) {
    setError(span, errorCode(error));
    throw error;
  } finally {
    span.end();
  }
}

/** The code alone: messages may quote what people wrote. */
function setError(span: Span, code: string): void {
  span.setAttribute("error.type", code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}
