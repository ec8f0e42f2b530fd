import { localAccess, newId, parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { Queue } from "@millrace/queue";
import type { QueueWorker } from "@millrace/queue";
import { addChunks, beginSource, chunkText, removeSource } from "@millrace/search";
import { startFakeModelServer, testDatabases, waitFor } from "@millrace/testing";
import type { FakeModelServer, TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { handleAnswerQuestion, Questions } from "../src/index.ts";

const { workspaceId } = localAccess;
const asked = "Who built the mill?";

describe.each(testDatabases())("a question whose first try failed, on $name", (kind) => {
  let opened: TestDatabase;
  let server: FakeModelServer;
  let models: Models;
  let queue: Queue;
  let questions: Questions;
  let worker: QueueWorker;
  /** Of the documents that are there. */
  let titles: Map<string, string>;

  beforeEach(async () => {
    opened = await kind.open();
    server = await startFakeModelServer({ port: 0 });
    models = createModels({
      settings: parseSettings(modelSettingsSchema, { CHAT_URL: server.url, CHAT_MODEL: "fake" }),
      logger: silentLogger,
    });
    titles = new Map();
    const findTitles = async () => titles;
    const { database } = opened;
    const handler = handleAnswerQuestion({
      ...{ database, models, findTitles },
      findPages: async (_workspace, places) => places.map(() => null),
      sourcesFor: () => undefined,
      appendEvents: (scope, events) => queue.appendEvents(scope, events),
    });
    queue = new Queue({ database, logger: silentLogger, handlers: [handler] });
    questions = new Questions({ queue, findTitles });
    worker = queue.createWorker({
      ...{ name: "w", concurrency: 1, leaseMs: 60_000, beatMs: 20_000, pollMs: 50, drainMs: 50 },
    });
    await worker.start();
  });
  afterEach(async () => {
    await worker.stop();
    await models.stop();
    await server.stop();
    await opened.close();
  });

  /** Makes a text searchable; that of a document that is there, anew. */
  async function index(text: string, id = newId()): Promise<string> {
    const chunks = await chunkText(text, []);
    await opened.database.transaction(async (transaction) => {
      const source = { id, workspaceId, language: "en", chunkCount: chunks.length };
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
    });
    titles.set(id, "The mill");
    return id;
  }

  async function remove(id: string): Promise<void> {
    await opened.database.transaction((transaction) => removeSource(transaction, id));
    titles.delete(id);
  }

  async function askInVain(): Promise<{ id: string; jobId: string }> {
    server.setScript(() => ({ kind: "unauthorized" }));
    const taken = await questions.accept(localAccess, { question: asked });
    if (taken.kind !== "new") throw new Error("it had no key");
    const { id, job_id: jobId } = taken.accepted.question;
    expect(await settled(id)).toMatchObject({ state: "failed" });
    return { id, jobId };
  }

  async function tryAgain({ id, jobId }: { id: string; jobId: string }, quote: string) {
    const content = JSON.stringify({
      found: true,
      answer: "Somebody did [1].",
      citations: [{ passage: 1, quote }],
    });
    server.setScript(() => ({ kind: "answer", content }));
    await queue.transaction((scope) => queue.retry(scope, jobId));
    return await settled(id);
  }

  const settled = (id: string) =>
    waitFor(
      async () => {
        const question = await questions.get(localAccess, id);
        return question.state === "completed" || question.state === "failed" ? question : undefined;
      },
      { describe: "the end of a question" },
    );

  const stepsOf = async (jobId: string) => {
    const { rows } = await sql<{ key: string }>`
      SELECT key FROM job_step WHERE job_id = ${jobId} ORDER BY started_at, key`.execute(
      opened.database.queryable,
    );
    return rows.map(({ key }) => key);
  };

  it("is answered from its document as that was processed anew meanwhile", async () => {
    const documentId = await index("The mill was built by Pieter Molenaar.");
    const question = await askInVain();
    await index("The mill was built by Grietje Molenaar.", documentId);

    const answered = await tryAgain(question, "The mill was built by Grietje Molenaar");

    expect(answered).toMatchObject({ outcome: "answered", citations: [{ document_id: documentId }] });
    expect(await stepsOf(question.jobId)).toEqual(["retrieve", "answer", "retrieve/2"]);
  });

  it("is answered from what is left when one of its documents was deleted meanwhile", async () => {
    const deleted = await index("The mill was built by Pieter Molenaar. The mill grinds rye.");
    const question = await askInVain();
    await remove(deleted);
    const left = await index("Somebody else says that Grietje built the mill.");

    const answered = await tryAgain(question, "Somebody else says that Grietje built the mill");

    expect(answered).toMatchObject({ outcome: "answered", citations: [{ document_id: left }] });
  });

  it("reads what was found at first while that is there, and looks anew each time that it is not", async () => {
    const documentId = await index("The mill was built by Pieter Molenaar.");
    const question = await askInVain();
    await index("Another mill was built by Kees Molenaar.");
    server.setScript(() => ({ kind: "unauthorized" }));
    await queue.transaction((scope) => queue.retry(scope, question.jobId));
    await settled(question.id);
    const whileThere = await stepsOf(question.jobId);
    await index("The mill was built by Grietje Molenaar.", documentId);
    await queue.transaction((scope) => queue.retry(scope, question.jobId));
    await settled(question.id);
    await index("The mill was built by Jan Molenaar.", documentId);

    const answered = await tryAgain(question, "The mill was built by Jan Molenaar");

    expect(whileThere).toEqual(["retrieve", "answer"]);
    expect(answered).toMatchObject({ outcome: "answered", passages_read: 2 });
    expect(await stepsOf(question.jobId)).toEqual(["retrieve", "answer", "retrieve/2", "retrieve/3"]);
  });

  it("says that nothing was found when all of its documents are gone", async () => {
    const documentId = await index("The mill was built by Pieter Molenaar.");
    const question = await askInVain();
    await remove(documentId);

    const answered = await tryAgain(question, "The mill was built by Pieter Molenaar");

    expect(answered).toMatchObject({ outcome: "not_found", citations: [], nearest: [], passages_read: 0 });
  });
});
