import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { documentSchema, exportedDocumentSchema, maxExportedIds, partNames } from "@millrace/contracts";
import { localAccess, newId, parseJson } from "@millrace/kernel";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { codeOf, Flow } from "./flow.ts";

const count = 1500;
/** Long enough that no buffer on the way holds them all: 60 MB. */
const textLength = 40_000;

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start("postgres");
  await insertDocuments();
});
afterAll(() => flow.stop());

it.each([
  ["json", "application/json; charset=utf-8", "documents.json"],
  ["jsonl", "application/jsonl; charset=utf-8", "documents.jsonl"],
  ["markdown", "text/markdown; charset=utf-8", "documents.md"],
  ["csv", "text/csv; charset=utf-8", "documents.csv"],
  ["zip", "application/zip", "documents.zip"],
])("answers %s as a file to save", async (format, mediaType, fileName) => {
  const reply = await fetch(`${flow.url}/api/documents/export?format=${format}&search=Number%2012`);
  await reply.body?.cancel();

  expect(reply.status).toBe(200);
  expect(reply.headers.get("content-type")).toBe(mediaType);
  expect(reply.headers.get("content-disposition")).toContain(`filename="${fileName}"`);
});

it("has each of many documents once", async () => {
  const reply = await flow.send("GET", "/api/documents/export");

  const exported = z.array(exportedDocumentSchema).parse(reply.body);
  expect(new Set(exported.map(({ document }) => document.id)).size).toBe(count);
  expect(exported.every(({ text }) => text?.length === textLength)).toBe(true);
});

it("has what the list has with the same filters", async () => {
  const query = "search=Number%201&status=failed";
  const listed = await flow.listAll(`/api/documents?${query}`, documentSchema, 100);

  const reply = await fetch(`${flow.url}/api/documents/export?format=jsonl&${query}`);

  const lines = (await reply.text()).trimEnd().split("\n");
  expect(lines.map((line) => exportedDocumentSchema.parse(parseJson(line)).document.id)).toEqual(
    listed.map(({ id }) => id),
  );
});

it("is called after the one document that was asked for", async () => {
  const { document } = await flow.postText("../etc/passwd is where it is.");
  await flow.send("PATCH", `/api/documents/${document.id}`, { json: { title: '../"Ein" Käfer\u202E' } });

  const reply = await flow.send("GET", `/api/documents/export?format=markdown&ids=${document.id}`);

  expect(reply.headers.get("content-disposition")).toBe(
    "attachment; filename=\"Ein- Ka_fer.md\"; filename*=UTF-8''Ein-%20K%C3%A4fer.md",
  );
  expect(await flow.send("DELETE", `/api/documents/${document.id}`)).toMatchObject({ status: 204 });
});

it.each([
  ["a format that there is not", "format=pdf", 422, "invalid_request"],
  ["files in a table", "format=csv&include=original", 422, "originals_need_zip"],
  ["what is no id", "ids=1,2", 422, "invalid_request"],
  [
    "too many ids",
    `ids=${Array.from({ length: maxExportedIds + 1 }, newId).join(",")}`,
    422,
    "invalid_request",
  ],
  ["what it does not know", "nonsense=1", 422, "invalid_request"],
  ["the id of nothing", `ids=${newId()}`, 404, "document_not_found"],
])("refuses %s", async (_what, query, status, code) => {
  const reply = await flow.send("GET", `/api/documents/export?${query}`);

  expect([reply.status, codeOf(reply)]).toEqual([status, code]);
});

it("goes on without a client that leaves in the middle", async () => {
  const response = await startExport();
  response.destroy();

  await expect(flow.expectAlive()).resolves.toBeUndefined();
});

it("does not keep the server from stopping", async () => {
  await startExport();

  const code = await flow.restart();

  expect(code).toBe(0);
});

it("reads no further than it is taken", async () => {
  const response = await startExport();

  await sql`DELETE FROM document`.execute(queryable());
  let received = "";
  for await (const chunk of response.setEncoding("utf8")) received += String(chunk);

  const lines = received.trimEnd().split("\n").length;
  expect(lines).toBeGreaterThan(0);
  expect(lines).toBeLessThan(count);
});

/** An export whose first bytes have come and whose rest is not taken. */
async function startExport(): Promise<IncomingMessage> {
  const asked = request(`${flow.url}/api/documents/export?format=jsonl`, { agent: false }).end();
  asked.on("error", () => undefined);
  const response = await new Promise<IncomingMessage>((resolve) => asked.once("response", resolve));
  response.on("error", () => undefined);
  await once(response, "readable");
  return response;
}

function queryable() {
  const database = flow.database?.database;
  if (database === undefined) throw new Error("This flow has a database of its own.");
  return database.queryable;
}

async function insertDocuments(): Promise<void> {
  const ids = Array.from({ length: count }, newId);
  const { workspaceId, personId } = localAccess;
  await sql`
    INSERT INTO document (id, workspace_id, person_id, title, file_size, content_hash, status)
    SELECT id, ${workspaceId}, ${personId}, 'Number ' || number, 10, 'hash',
           CASE number % 2 WHEN 0 THEN 'completed' ELSE 'failed' END
    FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS given (id, number)`.execute(queryable());
  await sql`
    INSERT INTO document_text (document_id, text, has_pairs)
    SELECT id, repeat('x', ${textLength}::int), false FROM unnest(${ids}::uuid[]) AS given (id)`.execute(
    queryable(),
  );
  await sql`
    INSERT INTO document_part (document_id, part, state)
    SELECT id, part, 'pending'
    FROM unnest(${ids}::uuid[]) AS given (id), unnest(${[...partNames]}::text[]) AS parts (part)`.execute(
    queryable(),
  );
}
