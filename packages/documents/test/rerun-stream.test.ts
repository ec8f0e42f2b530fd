import { tmpdir } from "node:os";
import { localAccess, silentLogger } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { createFileStore, Documents, handleRerunPart } from "../src/index.ts";
import { insertDocuments } from "./insert-documents.ts";

it.each(testDatabases())(
  "leaves no document's stream open after a part was made again, on $name",
  async (kind) => {
    const { database, close } = await kind.open();
    // Of its parts only this is used for a job that never runs.
    const appendEvents: Queue["appendEvents"] = (scope, events) => queue.appendEvents(scope, events);
    const handler = handleRerunPart({ appendEvents } as Parameters<typeof handleRerunPart>[0]);
    const queue = new Queue({ database, logger: silentLogger, handlers: [handler] });
    const documents = new Documents({ queue, files: createFileStore({ directory: tmpdir() }) });
    const [id = ""] = await insertDocuments(database.queryable, localAccess, {
      ...{ count: 1, title: "Weir", text: "The weir is open." },
    });
    await sql`UPDATE document SET text_length = 17 WHERE id = ${id}`.execute(database.queryable);
    const hasEnded = async () =>
      await sql<{ events: number; has_ended: boolean }>`
      SELECT last_seq::int AS events, ended_at IS NOT NULL AS has_ended
      FROM event_stream WHERE stream = ${`document:${id}`}`.execute(database.queryable);

    const { job } = await documents.rerunPart(localAccess, id, { part: "summary", model: null });
    const begun = await hasEnded();
    await queue.transaction((scope) => queue.cancel(scope, job.id));
    const ended = await hasEnded();
    await close();

    expect([begun.rows, ended.rows]).toEqual([
      [{ events: 1, has_ended: true }],
      [{ events: 2, has_ended: true }],
    ]);
  },
);
