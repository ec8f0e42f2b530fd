import { MillraceError } from "@millrace/kernel";
import { SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, describe, expect, it } from "vitest";
import type { EnqueueOptions, PreparedJob } from "../jobs/enqueue.ts";
import { traceEnqueues } from "./trace-enqueues.ts";

afterEach(() => trace.disable());

function recordSpans(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  return exporter;
}

function prepared(id: string, options: EnqueueOptions = {}): PreparedJob {
  const task = { name: "examples.add_numbers", version: 1, queue: "examples", priority: 5, retries: 3 };
  return {
    id,
    task: { ...task, expiresInMs: undefined },
    stream: `job:${id}`,
    delayMs: 0,
    uniqueKey: null,
    limitKey: null,
    input: "{}",
    meta: "{}",
    options,
  };
}

const traceParents = (jobs: readonly PreparedJob[]): Promise<(string | null | undefined)[]> =>
  Promise.resolve(jobs.map(({ options }) => options.traceParent));

describe("traced enqueues", () => {
  it("give each job the trace context of its own span", async () => {
    const exporter = recordSpans();

    const stored = await traceEnqueues([prepared("job-1"), prepared("job-2")], traceParents);

    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ attributes }) => attributes["messaging.message.id"])).toEqual(["job-1", "job-2"]);
    expect(stored).toEqual(
      spans.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`),
    );
  });

  it("leave a trace context that the caller gave", async () => {
    recordSpans();
    const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    expect(await traceEnqueues([prepared("job-1", { traceParent })], traceParents)).toEqual([traceParent]);
  });

  it("end every span with what was thrown", async () => {
    const exporter = recordSpans();
    const error = new MillraceError({ code: "job_id_taken", kind: "conflict", message: "x" });
    const jobs = [prepared("job-1"), prepared("job-2")];

    await expect(traceEnqueues(jobs, () => Promise.reject(error))).rejects.toBe(error);

    const failed = { code: SpanStatusCode.ERROR, message: "job_id_taken" };
    expect(exporter.getFinishedSpans().map(({ status }) => status)).toEqual([failed, failed]);
  });

  it("pass the jobs on as they are without a tracer", async () => {
    const jobs = [prepared("job-1")];

    expect(await traceEnqueues(jobs, (given) => Promise.resolve(given))).toBe(jobs);
  });
});
