import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ToolCallContext } from "@millrace/crews";
import type { Database } from "@millrace/database";
import { createExtractor } from "@millrace/extract";
import type { Extractor } from "@millrace/extract";
import { localAccess, newId, parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import { addChunks, beginSource, chunkText } from "@millrace/search";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shippedTools } from "../../src/crews/shipped-tools.ts";

let database: Database;
let extractor: Extractor;
let folder: string;
const models = createModels({ settings: parseSettings(modelSettingsSchema, {}), logger: silentLogger });
let site: Server;
let siteUrl: string;
const bob = newId();
const annsText = "The harbour of Ann has three cranes. ".repeat(500);
let annsDocument: string;
let bobsDocument: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "millrace-tools-"));
  database = await openTestDatabase();
  await sql`INSERT INTO workspace (id, name) VALUES (${bob}, 'bob')`.execute(database.queryable);
  annsDocument = await writeDocument(localAccess.workspaceId, "Ann's harbour", annsText);
  bobsDocument = await writeDocument(bob, "Bob's harbour", "The harbour of Bob has one crane.");
  extractor = createExtractor({ logger: silentLogger, tempDirectory: folder, concurrency: 1 });
  await extractor.start();
  site = createServer((request, response) => {
    if (request.url === "/inward") response.writeHead(302, { location: "http://169.254.169.254/" }).end();
    else
      response
        .setHeader("content-type", "text/html")
        .end("<h1>Tides</h1><script>steal()</script><p>The sea rises.</p>");
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const address = site.address();
  siteUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});
afterAll(async () => {
  await new Promise((resolve) => site.close(resolve));
  await extractor.stop();
  await models.stop();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

async function writeDocument(workspaceId: string, title: string, text: string): Promise<string> {
  const id = newId();
  const chunks = await chunkText(text, []);
  const source = { id, workspaceId, language: "en", chunkCount: chunks.length };
  await database.transaction(async (transaction) => {
    await sql`
      INSERT INTO document (id, workspace_id, person_id, title, file_size, content_hash, status)
      VALUES (${id}, ${workspaceId}, ${localAccess.personId}, ${title}, 1, 'x', 'completed')`.execute(
      transaction,
    );
    await sql`INSERT INTO document_text (document_id, text, has_pairs) VALUES (${id}, ${text}, false)`.execute(
      transaction,
    );
    await beginSource(transaction, source);
    await addChunks(transaction, source, chunks);
  });
  return id;
}

/** What a tool gives when a model calls it in a job of this owner. */
async function call(
  name: string,
  input: object,
  owner: string | null,
  allowedHosts: string[] = [],
): Promise<string> {
  const tools = shippedTools({ database, extractor, models, allowedHosts });
  const accepted = tools[name]!.accept(input);
  if (!accepted.ok) throw new Error(accepted.problem);
  const context: ToolCallContext = {
    ...{ owner, job: newId(), step: "s", signal: new AbortController().signal },
    noteUse: () => undefined,
  };
  return String(await accepted.run(context));
}

describe("the shipped tools", () => {
  it("search only the documents of the job's owner", async () => {
    const found = await call("search_documents", { query: "harbour cranes" }, bob);

    expect(found).toContain("The harbour of Bob has one crane.");
    expect(found).toContain(bobsDocument);
    expect(found).not.toContain("Ann");
    expect(await call("search_documents", { query: "harbour" }, null)).toBe("No passage fits.");
  });

  it("search as people do, with the filters that a query holds", async () => {
    const search = (query: string) => call("search_documents", { query }, bob);

    expect(await search("harbour title:Bob")).toContain(bobsDocument);
    expect(await search("harbour title:Ann")).toBe("No passage fits.");
  });

  it("read only the documents of the job's owner, part by part to the end", async () => {
    const { workspaceId: ann } = localAccess;
    const first = await call("read_document", { document: annsDocument }, ann);
    const second = await call("read_document", { document: annsDocument, offset: 15_000 }, ann);

    expect(first).toContain("read on with offset 15000");
    expect(second).toMatch(/\[end\]$/);
    expect(await call("read_document", { document: annsDocument }, bob)).toContain("There is no document");
    expect(await call("read_document", { document: "../../etc/passwd" }, ann)).toContain(
      "There is no document",
    );
  });

  it("fetch nothing of an own network, also after a redirect", async () => {
    const host = new URL(siteUrl).host;

    await expect(call("fetch_url", { url: "http://127.0.0.1/" }, bob)).rejects.toMatchObject({
      code: "url_not_reachable",
    });
    await expect(call("fetch_url", { url: `${siteUrl}/inward` }, bob, [host])).rejects.toMatchObject({
      code: "url_not_reachable",
    });
  });

  it("give the text of a page, not its markup, and leave no file behind", async () => {
    const page = await call("fetch_url", { url: siteUrl }, bob, [new URL(siteUrl).host]);

    expect(page).toContain("Tides");
    expect(page).toContain("The sea rises.");
    expect(page).not.toContain("steal");
    expect((await readdir(folder)).filter((name) => name.startsWith("page-"))).toEqual([]);
  });

  it("calculate", async () => {
    expect(await call("calculator", { expression: "6 * 7" }, null)).toBe("42");
  });
});
