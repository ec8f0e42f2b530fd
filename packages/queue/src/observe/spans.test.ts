import { MillraceError } from "@millrace/kernel";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  AlwaysOffSampler,
  AlwaysOnSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { ReadableSpan, Sampler } from "@opentelemetry/sdk-trace";
import { afterEach, describe, expect, it } from "vitest";
import { openAttempt, startEnqueueSpan, traceAttempt, traceBatch, traceStep } from "./spans.ts";
import { currentTraceParent } from "./trace-context.ts";

const job = { id: "job-1", task: "examples.add_numbers", queue: "examples", attempt: 1 };

afterEach(() => {
  trace.disable();
  context.disable();
});

/** Registers a tracer for the process, as an application does. */
function recordSpans(sampler: Sampler = new AlwaysOnSampler()): (name: string) => ReadableSpan {
  const exporter = new InMemorySpanExporter();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors, sampler }));
  return (name) => {
    const found = exporter.getFinishedSpans().filter((span) => span.name === name);
    expect(found.map((span) => span.name)).toEqual([name]);
    return found[0] as ReadableSpan;
  };
}

function inCallersSpan<Result>(work: () => Promise<Result>): Promise<Result> {
  return trace.getTracer("test").startActiveSpan("POST /api/documents", async (span) => {
    const result = await work();
    span.end();
    return result;
  });
}

describe("with a tracer", () => {
  it("one trace leads from the caller over the enqueue and the attempt to a step and its own spans", async () => {
    const spanNamed = recordSpans();

    const traceParent = await inCallersSpan(async () => {
      const enqueue = startEnqueueSpan(job);
      await Promise.resolve();
      enqueue.end();
      return enqueue.traceParent;
    });
    await traceAttempt({ ...job, trace_parent: traceParent }, async (attempt) => {
      await traceStep("summary/map/3", async () => {
        await Promise.resolve();
        trace.getTracer("test").startSpan("call a model").end();
      });
      attempt.ended("succeeded");
    });

    const caller = spanNamed("POST /api/documents");
    const enqueued = spanNamed("enqueue examples.add_numbers");
    const processed = spanNamed("process examples.add_numbers");
    const step = spanNamed("step summary");
    const inner = spanNamed("call a model");
    const parents = [enqueued, processed, step, inner].map((span) => span.parentSpanContext?.spanId);
    expect(parents).toEqual([caller, enqueued, processed, step].map((span) => span.spanContext().spanId));
    const traces = [caller, enqueued, processed, step, inner].map((span) => span.spanContext().traceId);
    expect(new Set(traces).size).toBe(1);
  });

  it("spans say what they are about, by the conventions for messaging", async () => {
    const spanNamed = recordSpans();

    const enqueue = startEnqueueSpan(job);
    enqueue.end();
    await traceAttempt({ ...job, trace_parent: null }, async (attempt) => {
      await traceStep("summary/map/3", () => Promise.resolve());
      attempt.ended("succeeded");
    });

    const shared = {
      "messaging.system": "millrace",
      "messaging.destination.name": "examples",
      "messaging.message.id": "job-1",
      "millrace.task": "examples.add_numbers",
    };
    expect(spanNamed("enqueue examples.add_numbers")).toMatchObject({
      kind: SpanKind.PRODUCER,
      attributes: {
        ...shared,
        "messaging.operation.name": "enqueue",
        "messaging.operation.type": "send",
      },
    });
    expect(spanNamed("process examples.add_numbers")).toMatchObject({
      kind: SpanKind.CONSUMER,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        ...shared,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "millrace.attempt": 1,
        "millrace.outcome": "succeeded",
      },
    });
    expect(spanNamed("step summary").attributes).toEqual({ "millrace.step": "summary/map/3" });
  });

  it("a failed attempt has the code of its error, and not its text", async () => {
    const spanNamed = recordSpans();

    await traceAttempt({ ...job, trace_parent: null }, async (attempt) => {
      attempt.ended("failed", { code: "file_empty" });
    });

    const span = spanNamed("process examples.add_numbers");
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: "file_empty" });
    expect(span.attributes).toMatchObject({ "millrace.outcome": "failed", "error.type": "file_empty" });
    expect(span.events).toEqual([]);
  });

  it("a step that throws has its code, and throws on", async () => {
    const spanNamed = recordSpans();
    const error = new MillraceError({ code: "model_busy", kind: "limited", message: "Secret text" });

    await expect(traceStep("answer", () => Promise.reject(error))).rejects.toBe(error);

    expect(spanNamed("step answer").status).toEqual({ code: SpanStatusCode.ERROR, message: "model_busy" });
  });

  it("an enqueue that fails has the code", () => {
    const spanNamed = recordSpans();

    startEnqueueSpan(job).end(
      new MillraceError({ code: "invalid_job_input", kind: "invalid", message: "x" }),
    );

    expect(spanNamed("enqueue examples.add_numbers").attributes).toMatchObject({
      "error.type": "invalid_job_input",
    });
  });

  it("an attempt without a caller's trace begins its own, whatever is active in the worker", async () => {
    const spanNamed = recordSpans();

    await inCallersSpan(() => traceAttempt({ ...job, trace_parent: null }, () => Promise.resolve()));

    expect(spanNamed("process examples.add_numbers").parentSpanContext).toBeUndefined();
  });

  it("attempts of a caller whose trace is not recorded are not recorded either", async () => {
    const spanNamed = recordSpans(new ParentBasedSampler({ root: new AlwaysOffSampler() }));

    const traceParent = await inCallersSpan(() => Promise.resolve(startEnqueueSpan(job).traceParent));
    await traceAttempt({ ...job, trace_parent: traceParent }, () => Promise.resolve());

    expect(traceParent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(() => spanNamed("process examples.add_numbers")).toThrow();
  });

  it("a batch has a span of its own, linked with what enqueued its jobs", async () => {
    const spanNamed = recordSpans();
    const enqueues = [startEnqueueSpan(job), startEnqueueSpan({ ...job, id: "job-2" })];
    const jobs = enqueues.map(({ traceParent }) => ({ ...job, trace_parent: traceParent }));

    await inCallersSpan(() =>
      traceBatch([...jobs, { ...job, trace_parent: null }], async () => {
        await Promise.resolve();
        trace.getTracer("test").startSpan("call a model").end();
      }),
    );

    const batch = spanNamed("process batch examples.add_numbers");
    expect(batch.attributes["messaging.batch.message_count"]).toBe(3);
    expect(batch.parentSpanContext).toBeUndefined();
    expect(batch.links.map((link) => link.context.spanId)).toEqual(
      enqueues.map(({ traceParent }) => traceParent?.split("-")[2]),
    );
    expect(spanNamed("call a model").parentSpanContext?.spanId).toBe(batch.spanContext().spanId);
  });

  it("a job of a batch has the span of its attempt, below what enqueued it, until it is closed", () => {
    const spanNamed = recordSpans();
    const { traceParent } = startEnqueueSpan(job);
    const attempt = openAttempt({ ...job, trace_parent: traceParent });

    attempt?.ended("failed", { code: "no_wood" });
    expect(() => spanNamed("process examples.add_numbers")).toThrow();
    attempt?.close();

    const span = spanNamed("process examples.add_numbers");
    expect(span.attributes["millrace.outcome"]).toBe("failed");
    expect(span.attributes["error.type"]).toBe("no_wood");
    expect(span.parentSpanContext?.spanId).toBe(traceParent?.split("-")[2]);
  });
});

describe("without a tracer", () => {
  it("an attempt and a step are only called", async () => {
    const attempt = await traceAttempt({ ...job, trace_parent: null }, (span) => {
      span.ended("succeeded");
      return traceStep("answer", () => Promise.resolve(currentTraceParent()));
    });

    expect(attempt).toBeNull();
    expect(openAttempt({ ...job, trace_parent: null })).toBeUndefined();
  });

  it("enqueues share one span that does nothing", () => {
    const first = startEnqueueSpan(job);

    expect(first.traceParent).toBeNull();
    expect(startEnqueueSpan({ ...job, id: "job-2" })).toBe(first);
  });

  it("what is registered later is used from then on", async () => {
    startEnqueueSpan(job).end();
    const spanNamed = recordSpans();

    startEnqueueSpan(job).end();

    expect(spanNamed("enqueue examples.add_numbers").ended).toBe(true);
  });
});
