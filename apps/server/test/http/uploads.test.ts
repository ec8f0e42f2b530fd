import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createFileStore } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import { errorCode } from "@millrace/kernel";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { receiveUpload } from "../../src/http/uploads.ts";
import { openRawClient } from "./raw-client.ts";
import { createTestApp } from "./test-app.ts";

const maxBytes = 200_000;

let directory: string;
let files: FileStore;
let app: FastifyInstance;
/** The code of the first failed upload as the route saw it: a client that went away sees none. */
let failure: PromiseWithResolvers<string>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-uploads-"));
  files = createFileStore({ directory });
  await files.start();
  ({ app } = await createTestApp());
  failure = Promise.withResolvers();
  app.post("/api/uploads", { bodyLimit: maxBytes }, async (request) => {
    try {
      const upload = await receiveUpload(request, { files, maxBytes });
      if (upload.kind === "several") {
        return upload.received.map((one) =>
          "refusal" in one
            ? { fileName: one.fileName, code: one.refusal.code }
            : { fileName: one.fileName, size: one.file.size },
        );
      }
      const { file, ...rest } = upload.received;
      return { ...rest, fields: upload.fields, key: file.key, size: file.size, sha256: file.sha256 };
    } catch (error) {
      failure.resolve(errorCode(error));
      throw error;
    }
  });
});

afterEach(async () => {
  await app.close();
  await files.stop();
  await rm(directory, { recursive: true, force: true });
});

async function filesOnDisk(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

const boundary = "----test-boundary";
const multipart = `multipart/form-data; boundary=${boundary}`;

function filePart(content: string | Buffer, options: { name?: string; fileName?: string } = {}): Buffer {
  const { name = "file", fileName = "report.pdf" } = options;
  return Buffer.concat([
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${fileName}"\r\nContent-Type: application/pdf\r\n\r\n`,
    ),
    Buffer.from(content),
    Buffer.from("\r\n"),
  ]);
}

function fieldPart(name: string, value: string): Buffer {
  return Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
}

const end = Buffer.from(`--${boundary}--\r\n`);

function upload(...parts: readonly Buffer[]) {
  return app.inject({
    method: "POST",
    url: "/api/uploads",
    headers: { "content-type": multipart },
    payload: Buffer.concat([...parts, end]),
  });
}

async function listen(): Promise<number> {
  await app.listen({ host: "127.0.0.1", port: 0 });
  return (app.server.address() as AddressInfo).port;
}

describe("an upload", () => {
  it("arrives whole, with its name and fields before and after it", async () => {
    const content = randomBytes(150_000);

    const before = await upload(
      fieldPart("title", "Ünïcode"),
      filePart(content, { fileName: "Übersicht 😀.pdf" }),
    );
    const after = await upload(filePart(content), fieldPart("title", "after"));

    expect(before.statusCode).toBe(200);
    expect(before.json()).toMatchObject({
      fileName: "Übersicht 😀.pdf",
      claimedType: "application/pdf",
      fields: { title: "Ünïcode" },
      size: 150_000,
      sha256: createHash("sha256").update(content).digest("hex"),
    });
    expect(after.json()).toMatchObject({ fields: { title: "after" }, fileName: "report.pdf" });
    expect(await files.read(before.json<{ key: string }>().key)).toEqual(content);
  });

  it.each([
    ["../../etc/passwd", "passwd"],
    ["..\\..\\boot.ini", "boot.ini"],
    [`${"x".repeat(5000)}.pdf`, `${"x".repeat(250)}….pdf`],
    ["a\u202efdp.exe", "afdp.exe"],
  ])("has a name that is only shown: %#", async (fileName, shown) => {
    const response = await upload(filePart("content", { fileName }));

    expect(response.json()).toMatchObject({
      fileName: shown,
      key: expect.stringMatching(/^[0-9a-f]{2}\/[0-9a-f]{64}\.[0-9a-f-]{36}$/),
    });
  });

  it("may have exactly the largest size", async () => {
    expect((await upload(filePart(Buffer.alloc(maxBytes)))).json()).toMatchObject({ size: maxBytes });
  });

  it.each([
    ["one byte too many", [() => filePart(Buffer.alloc(maxBytes + 1))], 413, "file_too_large"],
    [
      "more than the whole request may have",
      [() => filePart(Buffer.alloc(maxBytes + 400_000))],
      413,
      "file_too_large",
    ],
    ["no part at all", [], 422, "file_missing"],
    ["only fields", [() => fieldPart("title", "x")], 422, "file_missing"],
    ["a form without a chosen file", [() => filePart("", { fileName: "" })], 422, "file_missing"],
    ["an empty file", [() => filePart("")], 422, "file_empty"],
    [
      "a title for two files",
      [() => filePart("a"), () => fieldPart("title", "x"), () => filePart("b")],
      422,
      "invalid_request",
    ],
    ["101 files", Array.from({ length: 101 }, () => () => filePart("a")), 422, "too_many_files"],
    [
      "a file under another name after one",
      [() => filePart("a"), () => filePart("b", { name: "more" })],
      422,
      "invalid_request",
    ],
    ["a file under another name", [() => filePart("a", { name: "document" })], 422, "invalid_request"],
    [
      "an unknown field after the file",
      [() => filePart("a"), () => fieldPart("owner", "x")],
      422,
      "invalid_request",
    ],
    [
      "a field twice",
      [() => fieldPart("title", "a"), () => fieldPart("title", "b"), () => filePart("a")],
      422,
      "invalid_request",
    ],
    [
      "a field of 9,000 bytes",
      [() => filePart("a"), () => fieldPart("title", "x".repeat(9000))],
      422,
      "invalid_request",
    ],
    ["a field with NUL", [() => filePart("a"), () => fieldPart("title", "x\u0000")], 422, "invalid_request"],
    [
      "a field named __proto__",
      [() => filePart("a"), () => fieldPart("__proto__", "x")],
      400,
      "malformed_request",
    ],
  ])("with %s is refused and leaves nothing", async (_what, parts, status, code) => {
    const response = await upload(...parts.map((part) => part()));

    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code]);
    expect(await filesOnDisk()).toEqual([]);
  });

  it("with 2,000 parts is refused and leaves nothing", async () => {
    const parts = Array.from({ length: 2000 }, (_unused, index) => fieldPart(`field${index}`, "x"));

    const response = await upload(filePart("a"), ...parts);

    expect(response.statusCode).toBe(422);
    expect(await filesOnDisk()).toEqual([]);
  });

  it.each([
    ["application/json", "{}", 415, "unsupported_media_type"],
    ["multipart/form-data", "x", 400, "malformed_request"],
    [multipart, "no boundary in here", 400, "malformed_request"],
    [
      multipart,
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut of`,
      400,
      "malformed_request",
    ],
  ])("of type %s that is none is refused: %j", async (contentType, payload, status, code) => {
    const response = await app.inject({
      method: "POST",
      url: "/api/uploads",
      headers: { "content-type": contentType },
      payload,
    });

    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code]);
    expect(await filesOnDisk()).toEqual([]);
  });
});

describe("an upload of several files", () => {
  it.each(["file", "files", "files[]"])("in parts named %s keeps all of them", async (name) => {
    const response = await upload(
      filePart("one", { name, fileName: "1.txt" }),
      filePart("three", { name, fileName: "2.txt" }),
    );

    expect(response.json()).toEqual([
      { fileName: "1.txt", size: 3 },
      { fileName: "2.txt", size: 5 },
    ]);
    expect(await filesOnDisk()).toHaveLength(2);
  });

  it("keeps the good ones beside those that are empty or too large", async () => {
    const response = await upload(
      filePart(Buffer.alloc(maxBytes + 500_000), { name: "files", fileName: "large.pdf" }),
      filePart("fine", { name: "files", fileName: "fine.txt" }),
      filePart("", { name: "files", fileName: "empty.txt" }),
    );

    expect(response.json()).toEqual([
      { fileName: "large.pdf", code: "file_too_large" },
      { fileName: "fine.txt", size: 4 },
      { fileName: "empty.txt", code: "file_empty" },
    ]);
    expect(await filesOnDisk()).toHaveLength(1);
  });

  it("may be one file", async () => {
    const response = await upload(filePart("one", { name: "files", fileName: "1.txt" }));

    expect(response.json()).toEqual([{ fileName: "1.txt", size: 3 }]);
  });
});

describe("an upload over the network", () => {
  it("that breaks off leaves no file", async () => {
    const client = await openRawClient(await listen());
    client.send(
      `POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipart}\r\nContent-Length: 150000\r\n\r\n`,
    );
    client.send(filePart(Buffer.alloc(100_000)).subarray(0, 90_000));

    client.socket.destroy();

    expect(await failure.promise).toBe("upload_aborted");
    expect(await filesOnDisk()).toEqual([]);
  });

  it("whose sender ends early leaves no file", async () => {
    const client = await openRawClient(await listen());
    client.send(
      `POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipart}\r\nContent-Length: 150000\r\n\r\n`,
    );
    client.send(filePart(Buffer.alloc(100_000)).subarray(0, 90_000));

    client.socket.end();

    expect(await failure.promise).toBe("upload_aborted");
    expect(await filesOnDisk()).toEqual([]);
  });

  it("that never says how long it will be is refused while it arrives, and the connection goes on", async () => {
    const client = await openRawClient(await listen());
    const sendChunk = (content: Buffer): void => {
      client.send(`${content.length.toString(16)}\r\n`);
      client.send(content);
      client.send("\r\n");
    };
    client.send(
      `POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipart}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    sendChunk(filePart(Buffer.alloc(maxBytes + 1)));

    const answer = await client.received(/file_too_large/);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(await filesOnDisk()).toEqual([]);

    for (let count = 0; count < 50; count += 1) sendChunk(Buffer.alloc(100_000));
    client.send("0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(await client.closed()).toMatch(/HTTP\/1\.1 200 OK[^]*\{"status":"ok"\}/);
  });

  it("of several files gets the time of all of them, as long as they come fast enough", async () => {
    const largest = 45_000;
    const timeouts = { headersMs: 15_000, bodyGraceMs: 200, lingerMs: 10_000 };
    const patient = await createTestApp({ timeouts });
    patient.app.post("/api/several", { bodyLimit: largest }, async (request) => {
      const upload = await receiveUpload(request, { files, maxBytes: largest });
      return upload.kind === "several" ? upload.received.length : 1;
    });
    await patient.app.listen({ host: "127.0.0.1", port: 0 });
    const client = await openRawClient((patient.app.server.address() as AddressInfo).port);
    const parts = Array.from({ length: 7 }, () => filePart(Buffer.alloc(largest), { name: "files" }));
    const body = Buffer.concat([...parts, end]);

    client.send(
      `POST /api/several HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipart}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
    );
    // Four times as fast as it must be, and for longer than the largest file may take.
    for (let sent = 0; sent < body.length; sent += 26_000) {
      client.send(body.subarray(sent, sent + 26_000));
      await sleep(100);
    }

    expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 [^]*\r\n7/);
    await patient.app.close();
  });

  it("that claims to be too long is refused before it arrives", async () => {
    const client = await openRawClient(await listen());

    client.send(
      `POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipart}\r\nContent-Length: 1073741824\r\n\r\n`,
    );

    expect(await client.received(/file_too_large/)).toMatch(/^HTTP\/1\.1 413 /);
    client.socket.destroy();
  });

  it("does not keep the server from closing", async () => {
    const client = await openRawClient(await listen());
    client.send(
      `POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipart}\r\nContent-Length: 60\r\n\r\n`,
    );
    client.socket.destroy();
    expect(await failure.promise).toBe("upload_aborted");

    await app.close();

    expect(await filesOnDisk()).toEqual([]);
  });
});
