import { localAccess, newId, silentLogger } from "@millrace/kernel";
import { findJobs, Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handleRecogniseText } from "../src/index.ts";
import { recogniseText } from "../src/process/recognise-task.ts";
import { insertDocuments } from "./insert-documents.ts";

describe.each(testDatabases())("retrying the recognition of text, on $name", (kind) => {
  let opened: TestDatabase;
  let queue: Queue;
  beforeAll(async () => {
    opened = await kind.open();
    // Nothing of it is used before a worker runs it.
    const handler = handleRecogniseText({} as Parameters<typeof handleRecogniseText>[0]);
    queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [handler] });
  });
  afterAll(() => opened.close());

  /** A document of such a status, whose recognition has failed. */
  const failedOf = async (status: "completed" | "processing"): Promise<string> => {
    const { queryable } = opened.database;
    const [documentId = ""] = await insertDocuments(queryable, localAccess, {
      ...{ count: 1, title: "Scan", text: "The first page." },
    });
    const parent = newId();
    await sql`UPDATE document SET status = ${status}, job_id = ${parent} WHERE id = ${documentId}`.execute(
      queryable,
    );
    const input = { document_id: documentId, job_id: parent, pages: [2], left_out: [] };
    const { id } = await queue.add(recogniseText, input);
    await sql`
      UPDATE job SET state = 'failed', finished_at = now(), error_code = 'ocr_language_missing' WHERE id = ${id}`.execute(
      queryable,
    );
    return id;
  };

  const retry = (id: string): Promise<void> => queue.transaction((scope) => queue.retry(scope, id));

  it("is refused when the document has ended without it: nobody would index what it finds", async () => {
    const id = await failedOf("completed");

    await expect(retry(id)).rejects.toMatchObject({ code: "job_superseded" });

    expect(await findJobs(opened.database.queryable, [id])).toMatchObject([{ state: "failed" }]);
  });

  it("works while the document is worked on", async () => {
    const id = await failedOf("processing");

    await retry(id);

    expect(await findJobs(opened.database.queryable, [id])).toMatchObject([{ state: "queued" }]);
  });
});
