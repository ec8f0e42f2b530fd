import { localAccess, silentLogger } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findSummaryProblems, Summaries } from "../src/index.ts";

describe.each(testDatabases())("summaries, on $name", (kind) => {
  let queue: Queue;
  let summaries: Summaries;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const opened = await kind.open();
    close = opened.close;
    queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [] });
    summaries = new Summaries(queue);
  });
  afterAll(() => close());

  async function accept(text: string): Promise<string> {
    const taken = await summaries.accept(localAccess, { text });
    if (taken.kind !== "new") throw new Error("it had no key");
    return taken.accepted.summary.id;
  }

  it("are not found by another workspace", async () => {
    const id = await accept("Some text.");
    const stranger = { ...localAccess, workspaceId: "01900000-0000-7000-8000-0000000000aa" };

    await expect(summaries.get(stranger, id)).rejects.toMatchObject({ code: "summary_not_found" });
    await expect(summaries.remove(stranger, id)).rejects.toMatchObject({ code: "summary_not_found" });
    expect(await summaries.list(stranger, { limit: 10 })).toEqual([]);
    expect(await summaries.snapshot(stranger, id)).toBeUndefined();
  });

  it("leave nothing behind but a stream that is soon forgotten when they are deleted", async () => {
    const id = await accept("Some text that is deleted.");

    await summaries.remove(localAccess, id);

    await expect(summaries.get(localAccess, id)).rejects.toMatchObject({ code: "summary_not_found" });
    const streams = await sql`
      SELECT is_forgotten, ended_at IS NOT NULL AS has_ended FROM event_stream WHERE stream = ${`summary:${id}`}`.execute(
      queue.database.queryable,
    );
    expect(streams.rows).toEqual([{ is_forgotten: true, has_ended: true }]);
  });

  it("keep a text as it was pasted, without what a database refuses", async () => {
    const id = await accept("One\u0000\r\ntwo \ud800 🌊");

    const { text, text_length: length, title } = await summaries.get(localAccess, id);

    expect(text).toBe("One\ntwo \ufffd 🌊");
    expect([length, title]).toEqual([text.length, "One"]);
  });

  it("are a problem when nobody works on them", async () => {
    const [lost, waiting] = [await accept("A text of a lost job."), await accept("A text of a job.")];
    await sql`UPDATE summary SET updated_at = now() - interval '2 hours' WHERE id = ANY(${[lost, waiting]}::uuid[])`.execute(
      queue.database.queryable,
    );
    const { job_id: waitingJob } = await summaries.get(localAccess, waiting);

    const problems = await findSummaryProblems(queue.database.queryable, {
      signal: new AbortController().signal,
      findPendingJobs: async () => new Set([waitingJob]),
    });

    expect(problems).toMatchObject([{ count: 1, examples: [lost] }]);
  });
});
