import type { BulkRequest, BulkResult } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { runInBulk } from "./bulk.ts";

const filter = { state: "failed" as const };
const nothing = {
  matched: 0,
  changed: 0,
  skipped: 0,
  left: 0,
  as_of: "2026-11-20T12:00:00.000Z",
  errors: [],
};

function answering(...answers: readonly Partial<BulkResult>[]) {
  const requests: BulkRequest[] = [];
  const ask = (_action: string, request: BulkRequest) => {
    requests.push(request);
    return Promise.resolve({ ...nothing, ...answers[requests.length - 1] });
  };
  return { requests, ask };
}

function run(changes: { expectedCount?: number; onProgress?: () => void; signal?: AbortSignal } = {}) {
  return {
    action: "retry" as const,
    filter,
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...changes,
  };
}

describe("runInBulk", () => {
  it("asks until nothing is left, and adds up what was done", async () => {
    const { ask, requests } = answering(
      { changed: 500, skipped: 1, left: 300 },
      { changed: 299, skipped: 1, left: 0 },
    );

    const outcome = await runInBulk(run(), ask);

    expect(outcome).toEqual({ changed: 799, skipped: 2, left: 0, errors: [], end: "done" });
    expect(requests).toHaveLength(2);
  });

  it("names the expected count only to the first request: afterwards there are fewer", async () => {
    const { ask, requests } = answering({ changed: 1, left: 1 }, { changed: 1 });

    await runInBulk(run({ expectedCount: 2 }), ask);

    expect(requests).toMatchObject([{ expected_count: 2 }, {}]);
    expect(requests[1]).not.toHaveProperty("expected_count");
  });

  it("goes on with the jobs it began with, not with those that fail meanwhile", async () => {
    const { ask, requests } = answering(
      { changed: 1, left: 2, as_of: "2026-11-20T12:00:01.000Z" },
      { changed: 1, left: 1, as_of: "2026-11-20T12:00:02.000Z" },
      { changed: 1 },
    );

    await runInBulk(run(), ask);

    const bound = { ...filter, finished_before: "2026-11-20T12:00:01.000Z" };
    expect(requests.map((request) => request.filter)).toEqual([filter, bound, bound]);
  });

  it("ends when the server can change none of those left", async () => {
    const { ask, requests } = answering({ changed: 0, left: 7 });

    const outcome = await runInBulk(run(), ask);

    expect(outcome).toMatchObject({ end: "stuck", left: 7 });
    expect(requests).toHaveLength(1);
  });

  it("stops between two requests when it is told to", async () => {
    const controller = new AbortController();
    const { ask, requests } = answering({ changed: 5, left: 5 }, { changed: 5 });

    const outcome = await runInBulk(
      run({ signal: controller.signal, onProgress: () => controller.abort() }),
      ask,
    );

    expect(outcome).toMatchObject({ end: "stopped", changed: 5, left: 5 });
    expect(requests).toHaveLength(1);
  });
});
