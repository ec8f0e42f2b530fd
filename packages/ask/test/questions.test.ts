import { localAccess, newId, silentLogger } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findQuestionProblems, Questions } from "../src/index.ts";

const stranger = { ...localAccess, workspaceId: "01900000-0000-7000-8000-0000000000aa" };

describe.each(testDatabases())("questions, on $name", (kind) => {
  let queue: Queue;
  let questions: Questions;
  let close: () => Promise<void>;
  const documentId = newId();

  beforeAll(async () => {
    const opened = await kind.open();
    close = opened.close;
    queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [] });
    questions = new Questions({
      queue,
      findTitles: async (workspaceId) =>
        new Map(workspaceId === localAccess.workspaceId ? [[documentId, "The mill"]] : []),
    });
  });
  afterAll(() => close());

  async function accept(question: string): Promise<string> {
    const taken = await questions.accept(localAccess, { question, document_ids: [documentId] });
    if (taken.kind !== "new") throw new Error("it had no key");
    return taken.accepted.question.id;
  }

  it("are not found by another workspace, nor are its documents", async () => {
    const id = await accept("Who built it?");

    await expect(questions.get(stranger, id)).rejects.toMatchObject({ code: "question_not_found" });
    await expect(questions.cancel(stranger, id)).rejects.toMatchObject({ code: "question_not_found" });
    await expect(questions.remove(stranger, id)).rejects.toMatchObject({ code: "question_not_found" });
    expect(await questions.list(stranger, { limit: 10 })).toEqual([]);
    expect(await questions.snapshot(stranger, id)).toBeUndefined();
    expect(await questions.exists(stranger, id)).toBe(false);
    await expect(
      questions.accept(stranger, { question: "Who?", document_ids: [documentId] }),
    ).rejects.toMatchObject({ code: "documents_unknown" });
  });

  it("leave nothing behind but a stream that is soon forgotten when they are deleted", async () => {
    const id = await accept("Who built it, in short?");

    await questions.remove(localAccess, id);

    await expect(questions.get(localAccess, id)).rejects.toMatchObject({ code: "question_not_found" });
    const streams = await sql`
      SELECT is_forgotten, ended_at IS NOT NULL AS has_ended FROM event_stream WHERE stream = ${`ask:${id}`}`.execute(
      queue.database.queryable,
    );
    expect(streams.rows).toEqual([{ is_forgotten: true, has_ended: true }]);
  });

  it("are kept on one line, without what a database refuses", async () => {
    const id = await accept("  Who\u0000\r\nbuilt \ud800 it? ");

    expect(await questions.get(localAccess, id)).toMatchObject({
      question: "Who built \ufffd it?",
      document_ids: [documentId],
      filters: null,
    });
  });

  it("are a problem when nobody works on them", async () => {
    const [lost, waiting] = [await accept("Lost?"), await accept("Waiting?")];
    await sql`UPDATE question SET updated_at = now() - interval '2 hours' WHERE id = ANY(${[lost, waiting]}::uuid[])`.execute(
      queue.database.queryable,
    );
    const { job_id: waitingJob } = await questions.get(localAccess, waiting);

    const problems = await findQuestionProblems(queue.database.queryable, {
      signal: new AbortController().signal,
      findPendingJobs: async () => new Set([waitingJob]),
    });

    expect(problems).toMatchObject([{ count: 1, examples: [lost] }]);
  });
});
