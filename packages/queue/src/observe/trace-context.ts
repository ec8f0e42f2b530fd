import { isSpanContextValid, ProxyTracerProvider, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import type { Context, SpanContext, Tracer } from "@opentelemetry/api";

/**
 * The tracer of the process, or undefined while nobody has registered one: then nothing is made for
 * any job. Asked each time, because an application may register its own at any time.
 */
export function findTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  const name = "@millrace/queue";
  return provider instanceof ProxyTracerProvider
    ? provider.getDelegateTracer(name)
    : provider.getTracer(name);
}

/**
 * W3C trace context of the span that is active here, to be stored with a job; null when there is none.
 * Also of a span that is not recorded, so that the worker's is not either.
 */
export function currentTraceParent(): string | null {
  const spanContext = trace.getActiveSpan()?.spanContext();
  return spanContext === undefined ? null : formatTraceParent(spanContext);
}

export function formatTraceParent(spanContext: SpanContext): string | null {
  if (!isSpanContextValid(spanContext)) return null;
  const flags = spanContext.traceFlags.toString(16).padStart(2, "0");
  return `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
}

/** Versions above 00 may have further fields at the end, which are left alone. */
const form = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** The span that a stored trace context names; undefined for none, and for what is no trace context. */
export function parseTraceParent(traceParent: string | null): SpanContext | undefined {
  const [, traceId = "", spanId = "", flags = "00"] = form.exec(traceParent ?? "") ?? [];
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(spanContext) ? spanContext : undefined;
}

/** The context in which a job goes on that came with this trace context: never what is active by chance. */
export function contextOf(traceParent: string | null): Context {
  const spanContext = parseTraceParent(traceParent);
  return spanContext === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext);
}
