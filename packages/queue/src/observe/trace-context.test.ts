import { ROOT_CONTEXT, trace, TraceFlags } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { contextOf, currentTraceParent, formatTraceParent, parseTraceParent } from "./trace-context.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

describe("trace context", () => {
  it("comes back as it was written", () => {
    const written = formatTraceParent({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });

    expect(written).toBe(`00-${traceId}-${spanId}-01`);
    expect(parseTraceParent(written)).toEqual({
      traceId,
      spanId,
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
    });
  });

  it("says that a trace is not recorded", () => {
    expect(parseTraceParent(`00-${traceId}-${spanId}-00`)?.traceFlags).toBe(TraceFlags.NONE);
  });

  it("is read from later versions too, which may say more", () => {
    expect(parseTraceParent(`01-${traceId}-${spanId}-01-more`)?.traceId).toBe(traceId);
  });

  it.each([
    null,
    "",
    "nonsense",
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
  ])("is none when it is %s", (traceParent) => {
    expect(parseTraceParent(traceParent)).toBeUndefined();
    expect(contextOf(traceParent)).toBe(ROOT_CONTEXT);
  });

  it("is what the job came with, not what happens to be active", () => {
    const context = contextOf(`00-${traceId}-${spanId}-01`);

    expect(trace.getSpanContext(context)).toMatchObject({ traceId, spanId });
  });

  it("is none where there is no span", () => {
    expect(currentTraceParent()).toBeNull();
  });
});
