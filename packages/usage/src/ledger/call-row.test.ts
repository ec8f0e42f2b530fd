import { newId } from "@millrace/kernel";
import type { CallRecord } from "@millrace/models";
import { describe, expect, it } from "vitest";
import { toCallRow } from "./call-row.ts";

const call: CallRecord = {
  id: newId(),
  origin: { owner: null, job: "not an id", step: "s".repeat(1_000) },
  purpose: "test",
  kind: "chat",
  model: "openai:x",
  prompt: null,
  outcome: "answered",
  errorCode: null,
  tokens: { input: -5, output: Number.POSITIVE_INFINITY, cachedInput: 2.6 },
  cost: Number.NaN,
  latencyMs: Number.NaN,
  at: new Date("2026-11-21T10:00:00Z"),
};

describe("a call as it is stored", () => {
  it("has as unknown what a server can't have meant, and fits the table", () => {
    expect(toCallRow(call)).toMatchObject({
      owner: "",
      job_id: null,
      step: "s".repeat(300),
      input_tokens: null,
      output_tokens: null,
      cached_input_tokens: 3,
      cost: null,
      latency_ms: 0,
    });
  });
});
