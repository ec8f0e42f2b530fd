import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { partNames } from "@millrace/contracts";
import { localAccess, silentLogger } from "@millrace/kernel";
import { Queue, readJobDetail } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { createFileStore, Documents } from "../src/index.ts";

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

describe.each(testDatabases())("retrying one part, on $name", (kind) => {
  it.each([
    {
      from: "before the text could be searched",
      indexedAt: null,
      scope: "everything",
      parts: [...partNames],
    },
    { from: "after it", indexedAt: new Date(), scope: "parts", parts: ["summary"] },
  ])("of a document that ended $from does $scope", async ({ indexedAt, scope, parts }) => {
    const { database, close } = await kind.open();
    endings.push(close);
    const directory = await mkdtemp(join(tmpdir(), "millrace-documents-"));
    endings.push(() => rm(directory, { recursive: true }));
    const queue = new Queue({ database, logger: silentLogger, handlers: [] });
    const documents = new Documents({ queue, files: createFileStore({ directory }) });
    const content = { kind: "text", text: "Some text." } as const;
    const taken = await documents.accept(localAccess, { content, title: undefined, idempotency: undefined });
    const id = taken.kind === "new" ? taken.accepted.document.id : "";
    await sql`
      UPDATE document SET status = 'cancelled', indexed_at = ${indexedAt} WHERE id = ${id}`.execute(
      database.queryable,
    );

    const { job } = await documents.retryFailed(localAccess, id, "summary");

    const { input } = await readJobDetail(database.queryable, job.id);
    expect(input).toEqual({ document_id: id, scope, parts, answers: "reuse" });
  });
});
