import type { BulkRequest, BulkResult } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { findMatching, runInBulk } from "./bulk.ts";

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

function run(changes: { onProgress?: () => void; signal?: AbortSignal } = {}) {
  return {
    action: "retry" as const,
    filter,
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...changes,
  };
}

describe("findMatching", () => {
  it.each([
    ["retry", "finished_before"],
    ["cancel", "created_before"],
  ] as const)(
    "counts those to %s without doing it, and leaves out what comes later",
    async (action, bound) => {
      const { ask, requests } = answering({ matched: 3, as_of: "2026-11-20T12:00:01.000Z" });

      const found = await findMatching(action, filter, ask);

      expect(requests).toEqual([{ filter, dry_run: true }]);
      expect(found).toEqual({ count: 3, filter: { ...filter, [bound]: "2026-11-20T12:00:01.000Z" } });
    },
  );

  it("keeps a limit that is earlier, and not one that is still to come", async () => {
    const { ask } = answering({ as_of: "2026-11-20T12:00:01.000Z" }, { as_of: "2026-11-20T12:00:01.000Z" });
    const past = { ...filter, finished_before: "2026-11-20T12:00:00.000+01:00" };
    const coming = { ...filter, finished_before: "2026-11-20T12:00:02.000Z" };

    expect((await findMatching("retry", past, ask)).filter).toEqual(past);
    expect((await findMatching("retry", coming, ask)).filter.finished_before).toBe(
      "2026-11-20T12:00:01.000Z",
    );
  });
});

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
