import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, listLog } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const options = {
  queue: "tests",
  input: z.object({ password: z.string() }),
  output: z.null(),
  retries: 0,
  redact: ["password"],
};
const shown = defineTask({ ...options, name: "tests.show_errors", showErrors: true });
const hidden = defineTask({ ...options, name: "tests.hide_errors" });

describe.each(testDatabases())("what people see of an unexpected error on $name", (kind) => {
  const opened = useQueue(kind);

  const fail = async (task: typeof shown) => {
    const run = async (): Promise<null> => {
      throw new TypeError("opened with swordfish", { cause: new Error("the disk is full") });
    };
    const queue = opened.createQueue([handleTask({ task, run })]);
    await opened.startWorker(queue);
    const { id } = await queue.add(task, { password: "swordfish" });
    const ended = await queue.waitForEnd(id, { timeoutMs: 15_000 });
    const lines = await listLog(opened.database.queryable, { jobIds: [id], limit: 10 });
    return { error: ended?.error_message, lines: lines.map(({ message }) => message) };
  };

  it("is its words, with the stack and the cause in the log of the job, where the task shows them", async () => {
    const { error, lines } = await fail(shown);

    expect(error).toBe("TypeError: opened with [redacted]");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("shown-errors.test.ts");
    expect(lines[0]).toContain("the disk is full");
    expect(lines[0]).not.toContain("swordfish");
  });

  it("is nothing of it by default", async () => {
    const { error, lines } = await fail(hidden);

    expect(error).not.toContain("opened");
    expect(lines).toEqual([]);
  });
});
