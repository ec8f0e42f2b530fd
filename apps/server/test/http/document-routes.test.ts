import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileStore, Documents } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import { localAccess, silentLogger } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDocument } from "../../src/routes/create-document.ts";
import { documentExportRoute } from "../../src/routes/document-export.ts";
import { documentFileRoute } from "../../src/routes/document-file.ts";
import type { RouteParts } from "../../src/routes/route-parts.ts";
import { openRawClient } from "./raw-client.ts";
import { createTestApp } from "./test-app.ts";

describe.each(testDatabases().filter(({ name }) => name === "embedded"))(
  "the routes of documents",
  (kind) => {
    let opened: TestDatabase;
    let directory: string;
    let files: FileStore;
    let app: FastifyInstance;
    let documentId: string;
    /** Files that were opened since the test began. */
    let opens = 0;

    beforeAll(async () => {
      opened = await kind.open();
      directory = await mkdtemp(join(tmpdir(), "millrace-routes-"));
      const store = createFileStore({ directory });
      await store.start();
      files = {
        ...store,
        open: (...asked) => {
          opens++;
          return store.open(...asked);
        },
      };
      const queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [] });
      const documents = new Documents({ queue, files });
      const environment = { MAX_UPLOAD_BYTES: String(10 * 1024 ** 3) };
      const test = await createTestApp({ environment });
      ({ app } = test);
      // All that these routes use.
      const parts = {
        ...{
          installation: { documents, files },
          access: test.access,
          stopping: new AbortController().signal,
        },
        settings: { MAX_UPLOAD_BYTES: 10 * 1024 ** 3 },
      } as unknown as RouteParts;
      const typed = app.withTypeProvider<ZodTypeProvider>();
      for (const route of [createDocument, documentExportRoute, documentFileRoute]) route(typed, parts);
      await app.listen({ host: "127.0.0.1", port: 0 });
      documentId = await accept(documents);
    });
    beforeEach(() => {
      opens = 0;
    });
    afterAll(async () => {
      await app.close();
      await files.stop();
      await opened.close();
      await rm(directory, { recursive: true, force: true });
    });

    async function accept(documents: Documents): Promise<string> {
      const bytes = [Buffer.from("%PDF-1.7 A mill.")];
      const {
        key: fileKey,
        size,
        sha256,
      } = await files.write(
        (async function* () {
          yield* bytes;
        })(),
        { maxBytes: 1000 },
      );
      const content = { kind: "file", fileName: "mill.pdf", fileType: "pdf", fileKey, size, sha256 } as const;
      const taken = await documents.accept(localAccess, {
        content,
        title: undefined,
        idempotency: undefined,
      });
      if (taken.kind !== "new") throw new Error("it had no key");
      return taken.accepted.document.id;
    }

    it("refuse a text that would not fit into a string before it arrives, however large a file may be", async () => {
      const client = await openRawClient((app.server.address() as AddressInfo).port);

      client.send(
        "POST /api/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 600000000\r\n\r\n",
      );

      expect(await client.received(/body_too_large/)).toMatch(/^HTTP\/1\.1 413 /);
      client.socket.destroy();
    });

    it("read nothing to say what an export is", async () => {
      const url = "/api/documents/export?format=zip&include=original";

      const head = await app.inject({ method: "HEAD", url });

      expect([head.statusCode, opens]).toEqual([200, 0]);
      expect(head.headers).toMatchObject({
        "content-type": "application/zip",
        "content-disposition": expect.stringContaining("documents.zip"),
      });
      expect(head.headers).not.toHaveProperty("content-length");
      expect((await app.inject({ url })).statusCode).toBe(200);
      expect(opens).toBe(1);
    });

    it("read nothing to say what a file is, nor for a range of it", async () => {
      const url = `/api/documents/${documentId}/file`;

      const head = await app.inject({ method: "HEAD", url, headers: { range: "bytes=0-3" } });

      expect([head.statusCode, head.body, opens]).toEqual([200, "", 0]);
      expect(head.headers).toMatchObject({ "content-type": "application/pdf", "content-length": "16" });
      expect((await app.inject({ url })).body).toBe("%PDF-1.7 A mill.");
    });
  },
);
