import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { exportedDocumentSchema } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { localAccess, newId, parseJson, silentLogger } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import type { KyselyPlugin } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readExported } from "../src/export/read-exported.ts";
import { createFileStore, Documents } from "../src/index.ts";
import { insertDocuments } from "./insert-documents.ts";

const ourCount = 1230;
const stranger: Access = { workspaceId: newId(), personId: newId() };

describe.each(testDatabases())("an export of many documents, on $name", (kind) => {
  let opened: TestDatabase;
  let directory: string;
  let documents: Documents;
  let ourIds: string[];
  let strangersIds: string[];
  beforeAll(async () => {
    opened = await kind.open();
    directory = await mkdtemp(join(tmpdir(), "millrace-export-"));
    const { database } = opened;
    const { queryable } = database;
    await sql`INSERT INTO workspace (id, name) VALUES (${stranger.workspaceId}, 'other')`.execute(queryable);
    await sql`INSERT INTO person (id, name) VALUES (${stranger.personId}, 'other')`.execute(queryable);
    ourIds = await insertDocuments(queryable, localAccess, {
      count: ourCount,
      title: "Ours",
      text: "Ours. 🌾",
    });
    strangersIds = await insertDocuments(queryable, stranger, {
      count: 60,
      title: "Theirs",
      text: "Theirs.",
    });
    const queue = new Queue({ database, logger: silentLogger, handlers: [] });
    documents = new Documents({ queue, files: createFileStore({ directory }) });
  });
  afterAll(async () => {
    await opened.close();
    await rm(directory, { recursive: true });
  });

  const exported = async (
    access: Access,
    selection: { readonly ids?: readonly string[]; readonly search?: string } = {},
  ) => {
    const { stream } = await documents.export(access, {
      format: "jsonl",
      withOriginals: false,
      ...selection,
    });
    const lines = (await text(stream)).split("\n").filter((line) => line !== "");
    return lines.map((line) => exportedDocumentSchema.parse(parseJson(line)));
  };

  it("has each one once, newest first, with its text", async () => {
    const all = await exported(localAccess);

    expect(all.map(({ document }) => document.id)).toEqual(ourIds.toReversed());
    expect(new Set(all.map((one) => one.text))).toEqual(new Set(["Ours. 🌾"]));
  });

  it("holds one page at a time, and reads no further than it is read", async () => {
    const { queryable, answers } = counting(opened.database.queryable);
    const source = readExported(queryable, localAccess.workspaceId, {});

    for (let taken = 0; taken < 75; taken++) await source.next();
    await source.return();

    expect(answers()).toEqual([50, 200, 50, 200]);
  });

  it("has nothing of others, whoever asks and however", async () => {
    const theirs = await exported(stranger);
    const [mine = ""] = ourIds;
    const asked = documents.export(stranger, { format: "json", withOriginals: false, ids: [mine] });

    expect(theirs.map(({ document }) => document.id).toSorted()).toEqual(strangersIds.toSorted());
    expect(JSON.stringify(theirs)).not.toContain("Ours");
    await expect(asked).rejects.toMatchObject({ code: "document_not_found" });
  });

  it("keeps to filters and ids", async () => {
    const named = ourIds.slice(10, 13);

    expect(await exported(localAccess, { ids: named })).toHaveLength(3);
    expect(await exported(localAccess, { ids: named, search: "Ours 12" })).toHaveLength(1);
    expect(await exported(localAccess, { search: "Theirs" })).toEqual([]);
  });

  it("goes on to the end while documents come and go", async () => {
    const source = readExported(opened.database.queryable, stranger.workspaceId, {});
    const seen: string[] = [];
    for (let taken = 0; taken < 5; taken++) seen.push((await source.next()).value?.document.id ?? "");
    const [oldest = ""] = strangersIds;

    await sql`DELETE FROM document WHERE id = ${oldest}`.execute(opened.database.queryable);
    await insertDocuments(opened.database.queryable, stranger, { count: 3, title: "New", text: "New." });
    for await (const { document } of source) seen.push(document.id);

    expect(seen).toEqual(strangersIds.slice(1).toReversed());
  });

  it("adds files to a zip only", async () => {
    const asked = documents.export(localAccess, { format: "csv", withOriginals: true });

    await expect(asked).rejects.toMatchObject({ code: "originals_need_zip" });
  });
});

/** The same connection, and how many rows each answer had. */
function counting(inner: Queryable): { queryable: Queryable; answers: () => number[] } {
  const answers: number[] = [];
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      answers.push(result.rows.length);
      return result;
    },
  };
  return { queryable: inner.withPlugin(plugin), answers: () => answers };
}
