import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { acceptedDocumentSchema, documentTextSchema, searchResultSchema } from "@millrace/contracts";
import type { Document } from "@millrace/contracts";
import { openEmbedded } from "@millrace/database";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Reply } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";

const files = join(import.meta.dirname, "files");
/** Of `locked-ledger.pdf` and `locked-scan.pdf`. */
const password = "Schlüssel zum Wehr";
const wrong = "hunter2-und-Jäger";

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start("embedded", { OCR_ENGINE: "builtin" });
});
afterAll(async () => {
  await expectConsistency(flow);
  await flow.stop();
});

async function upload(name: string): Promise<Document> {
  const reply = await flow.postFile(await readFile(join(files, name)), name);
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  return await flow.settled(acceptedDocumentSchema.parse(reply.body).document.id);
}

function give(id: string, json: unknown): Promise<Reply> {
  return flow.send("POST", `/api/documents/${id}/password`, { json });
}

async function given(id: string, secret: string): Promise<Document> {
  const reply = await give(id, { password: secret });
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  return await flow.settled(id);
}

/** Tables of the stopped server with a row that holds a password, as it is or as jobs carry it. */
async function tablesWithPassword(): Promise<string[]> {
  const database = await openEmbedded(flow.folder);
  try {
    const tables = await sql<{ name: string }>`
      SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables
      WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`.execute(
      database.queryable,
    );
    const needles = [password, wrong].flatMap((text) => [text, Buffer.from(text).toString("base64")]);
    const found: string[] = [];
    for (const { name } of tables.rows) {
      const held = await sql<{ count: number }>`
        SELECT count(*)::int AS count FROM ${sql.raw(name)} AS held, unnest(${needles}::text[]) AS needle
        WHERE strpos(held::text, needle) > 0`.execute(database.queryable);
      found.push(...Array.from({ length: held.rows[0]?.count ?? 0 }, () => name));
    }
    expect(tables.rows.length).toBeGreaterThan(20);
    return found;
  } finally {
    await database.close();
  }
}

describe("a PDF that is locked with a password", () => {
  it("is opened with its password, after a wrong one, and can be found", async () => {
    const locked = await upload("locked-ledger.pdf");
    const mistaken = await given(locked.id, wrong);
    const mistakenJob = await flow.job(mistaken.job_id);
    const opened = await given(locked.id, password);

    expect(locked).toMatchObject({
      status: "failed",
      processing_error_code: "pdf_encrypted",
      processing_error: expect.stringContaining("millrace documents unlock"),
      text_length: null,
    });
    expect(mistaken).toMatchObject({ status: "failed", processing_error_code: "pdf_password_wrong" });
    expect(mistakenJob).toMatchObject({ state: "failed", attempt: 1, error: { code: "pdf_password_wrong" } });
    expect(opened).toMatchObject({ status: "completed", page_count: 2, processing_error_code: null });
    const { text } = await flow.get(`/api/documents/${locked.id}/text`, documentTextSchema);
    expect(text).toContain("Wilhelmina");
    const hits = await flow.get("/api/search?q=Wilhelmina&mode=full_text", searchResultSchema);
    expect(hits.data.map((hit) => hit.document_id)).toContain(locked.id);
  });

  it("is asked for its password again when everything is done again", async () => {
    const { id } = await upload("locked-ledger.pdf");
    await given(id, password);

    await flow.send("POST", `/api/documents/${id}/reprocess`);

    expect(await flow.settled(id)).toMatchObject({
      status: "failed",
      processing_error_code: "pdf_encrypted",
    });
    expect(await given(id, password)).toMatchObject({ status: "completed" });
  });

  it("has the text in its pictures recognised", async () => {
    const { id } = await upload("locked-scan.pdf");

    expect(await given(id, password)).toMatchObject({ status: "completed" });

    expect(await flow.document(id)).toMatchObject({
      extraction_method: expect.stringContaining("tesseract"),
    });
  });

  it("refuses what can't be a password, and documents that wait for none", async () => {
    const locked = await upload("locked-ledger.pdf");
    const { document: open } = await flow.postText("Nothing is locked here.");
    await flow.settled(open.id);

    const bodies = [
      {},
      { password: "" },
      { password: 7 },
      { password: "x".repeat(256) },
      { password: "a\u0000b" },
      { password: "a", more: true },
    ];
    const refused = await Promise.all(bodies.map((body) => give(locked.id, body)));
    const notLocked = await give(open.id, { password });
    const absent = await give("0199aaaa-0000-7000-8000-000000000001", { password });

    expect(refused.map(codeOf)).toEqual(bodies.map(() => "invalid_request"));
    expect(refused.map(({ status }) => status)).toEqual(bodies.map(() => 422));
    expect([notLocked.status, codeOf(notLocked)]).toEqual([409, "document_not_locked"]);
    expect([absent.status, codeOf(absent)]).toEqual([404, "document_not_found"]);
    expect(await flow.document(locked.id)).toMatchObject({ processing_error_code: "pdf_encrypted" });
  });
});

describe("the password", () => {
  it("is shown to nobody, outlives a killed server, and is gone when the work has ended", async () => {
    const [first, second] = [await upload("locked-ledger.pdf"), await upload("locked-ledger.pdf")];
    await flow.send("POST", "/api/queues/documents/pause", { json: {} });
    const accepted = acceptedDocumentSchema.parse((await give(first.id, { password })).body);
    await give(second.id, { password });
    const busy = await give(first.id, { password });
    const job = await flow.send("GET", `/api/jobs/${accepted.job.id}`);
    const input = await flow.send("GET", `/api/jobs/${accepted.job.id}/input`);
    const seen = [accepted, job.body, input.body, (await flow.send("GET", "/api/jobs")).body];
    await flow.send("POST", `/api/documents/${second.id}/cancel_processing`);
    await flow.settled(second.id);
    await flow.server.kill9();
    const whileItWaits = await tablesWithPassword();
    await flow.startAgain();
    await flow.send("POST", "/api/queues/documents/resume");
    const opened = await flow.settled(first.id);
    const output = flow.server.output();
    await flow.server.stop();
    const afterwards = await tablesWithPassword();
    await flow.startAgain();

    expect([busy.status, codeOf(busy)]).toEqual([409, "document_busy"]);
    expect(input.body).toMatchObject({ input: { password: "[redacted]" } });
    const packed = Buffer.from(password).toString("base64");
    for (const place of [...seen, output]) {
      expect(JSON.stringify(place)).not.toContain(password);
      expect(JSON.stringify(place)).not.toContain(packed);
    }
    expect(whileItWaits).toEqual(["public.job_payload"]);
    expect(opened).toMatchObject({ status: "completed" });
    expect(afterwards).toEqual([]);
  });
});
