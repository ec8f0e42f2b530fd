import { describe, expect, it } from "vitest";
import { z } from "zod";
import { applyOverrides, matchesTask, taskOverrides } from "./override-tasks.ts";
import { defineTask } from "./task.ts";

const task = defineTask({
  name: "documents.process_document",
  input: z.object({}),
  output: z.object({}),
  rateLimit: "10/m",
  expiresInMs: 1000,
  retention: { succeededDays: 1 },
});

function firstIssue(value: unknown): { path: string; message: string } {
  const issue = taskOverrides.safeParse(value).error?.issues[0];
  if (issue === undefined) throw new Error("nothing is wrong with it");
  return { path: issue.path.join("."), message: issue.message };
}

describe("matchesTask", () => {
  it.each([
    ["documents.process_document", true],
    ["documents.*", true],
    ["*", true],
    ["*.process_document", true],
    ["documents.*_document", true],
    ["*document", true],
    ["documents", false],
    ["documents.process", false],
    ["documents.process.document", false],
    ["documentsXprocess_document", false],
    ["models.*", false],
  ])("%s: %s", (pattern, matches) => {
    expect(matchesTask(pattern, task.name)).toBe(matches);
  });
});

describe("applyOverrides", () => {
  it("gives the same task when nothing matches", () => {
    expect(applyOverrides(task, { "models.*": { queue: "slow" } })).toBe(task);
  });

  it("changes what it names and nothing else", () => {
    const changed = applyOverrides(task, {
      "documents.*": { queue: "slow", backoff: { capSeconds: 30 }, retention: { otherEndsDays: 2 } },
    });

    expect(changed).toEqual({
      ...task,
      queue: "slow",
      backoff: { ...task.backoff, capSeconds: 30 },
      retention: { succeededDays: 1, otherEndsDays: 2 },
    });
  });

  it("goes by the special before the general, whatever the order", () => {
    const general = { "*": { queue: "general", priority: 1, retries: 1 } };
    const middle = { "documents.*": { queue: "middle", priority: 2 } };
    const exact = { "documents.process_document": { queue: "exact" } };

    const changed = applyOverrides(task, { ...exact, ...general, ...middle });

    expect(changed).toMatchObject({ queue: "exact", priority: 2, retries: 1 });
  });

  it("goes by the exact name before any pattern", () => {
    const changed = applyOverrides(task, {
      "documents.process_document": { queue: "exact" },
      "documents.process_document*": { queue: "pattern" },
    });

    expect(changed.queue).toBe("exact");
  });

  it("goes by the later of two that are alike", () => {
    const changed = applyOverrides(task, {
      "documents.*": { queue: "first" },
      "*documents.": { queue: "no_match" },
      "document*s.": { queue: "no_match" },
      "*ocuments.p*": { queue: "second" },
    });

    expect(changed.queue).toBe("second");
  });

  it("takes a limit away with null", () => {
    const changed = applyOverrides(
      task,
      taskOverrides.parse({ "*": { rateLimit: null, expiresInMs: null } }),
    );

    expect(changed.rateLimit).toBeUndefined();
    expect(changed.expiresInMs).toBeUndefined();
  });

  it("refuses a task that could not work, naming the pattern", () => {
    expect(() => applyOverrides(task, { "documents.*": { hardLimitMs: 1000 } })).toThrow(
      expect.objectContaining({ code: "invalid_task", message: expect.stringContaining('"documents.*"') }),
    );
    expect(() => applyOverrides(task, { "*": { keyConcurrency: 2 } })).toThrow(
      expect.objectContaining({ code: "invalid_task" }),
    );
  });
});

describe("taskOverrides", () => {
  it("reads rate limits", () => {
    const overrides = taskOverrides.parse({
      "a.b": { rateLimit: "60/m", keyRateLimit: { limit: "1/s", burst: 4 } },
    });

    expect(overrides["a.b"]).toEqual({
      rateLimit: { perSecond: 1, burst: 1 },
      keyRateLimit: { perSecond: 1, burst: 4 },
    });
  });

  it("says where a field is that there is not", () => {
    expect(firstIssue({ "a.b": { prioritty: 9 } })).toMatchObject({
      path: "a.b",
      message: expect.stringContaining("prioritty"),
    });
  });

  it("says which rate limit it can't read", () => {
    expect(firstIssue({ "a.*": { rateLimit: "often" } })).toMatchObject({
      path: "a.*.rateLimit",
      message: expect.stringContaining('"often"'),
    });
  });

  it("refuses a pattern that no task can have", () => {
    expect(firstIssue({ "Documents?": {} }).path).toBe("Documents?");
  });
});
