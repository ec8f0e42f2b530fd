import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localAccess, silentLogger } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, expect, it } from "vitest";
import { createFileStore, Documents } from "../src/index.ts";

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

it.each(testDatabases())(
  "leaves nothing behind but a stream that is soon forgotten, on $name",
  async (kind) => {
    const { database, close } = await kind.open();
    endings.push(close);
    const directory = await mkdtemp(join(tmpdir(), "millrace-documents-"));
    endings.push(() => rm(directory, { recursive: true }));
    const queue = new Queue({ database, logger: silentLogger, handlers: [] });
    const documents = new Documents({ queue, files: createFileStore({ directory }) });
    const content = { kind: "text", text: "Some text." } as const;
    const taken = await documents.accept(localAccess, { content, title: undefined, idempotency: undefined });
    const id = taken.kind === "new" ? taken.accepted.document.id : "";

    await documents.remove(localAccess, id, { forever: true });

    await expect(documents.get(localAccess, id)).rejects.toMatchObject({ code: "document_not_found" });
    const streams = await sql`
    SELECT stream, is_forgotten, ended_at IS NOT NULL AS has_ended FROM event_stream`.execute(
      database.queryable,
    );
    expect(streams.rows).toEqual([{ stream: `document:${id}`, is_forgotten: true, has_ended: true }]);
  },
);
