import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localAccess, newId, silentLogger } from "@millrace/kernel";
import { Queue, readJobDetail } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { createFileStore, Documents } from "../src/index.ts";

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

describe.each(testDatabases())("the password of a document, on $name", (kind) => {
  async function openDocument(status: string, code: string | null) {
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
      UPDATE document SET status = ${status}, processing_error_code = ${code} WHERE id = ${id}`.execute(
      database.queryable,
    );
    return { documents, id, queryable: database.queryable };
  }

  it.each(["pdf_encrypted", "pdf_password_wrong"])("goes to a new job after %s", async (code) => {
    const { documents, id, queryable } = await openDocument("failed", code);

    const { document, job } = await documents.givePassword(localAccess, id, "sesame");

    expect(document).toMatchObject({ status: "uploaded", processing_error_code: null, job_id: job.id });
    const { input } = await readJobDetail(queryable, job.id);
    expect(input).toMatchObject({ scope: "everything", password: Buffer.from("sesame").toString("base64") });
  });

  it.each([
    ["failed", "file_damaged", "document_not_locked"],
    ["completed", null, "document_not_locked"],
    ["processing", null, "document_busy"],
  ])("is not taken where it %s with %s", async (status, code, refusal) => {
    const { documents, id } = await openDocument(status, code);

    await expect(documents.givePassword(localAccess, id, "sesame")).rejects.toMatchObject({ code: refusal });
  });

  it("is not taken from others", async () => {
    const { documents, id } = await openDocument("failed", "pdf_encrypted");
    const stranger = { workspaceId: newId(), personId: newId() };

    await expect(documents.givePassword(stranger, id, "sesame")).rejects.toMatchObject({
      code: "document_not_found",
    });
  });
});
