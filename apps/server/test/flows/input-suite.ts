import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { acceptedDocumentSchema, documentSchema, documentTextSchema } from "@millrace/contracts";
import { startMillrace, waitFor } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Ground, Reply } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";

const maxBytes = 200_000;
const files = join(import.meta.dirname, "files");

/** The start of files that are not taken, whatever they are called. */
const program = Buffer.concat([Buffer.from("MZ\u0090\u0000", "latin1"), Buffer.alloc(2000)]);

/** What people and attackers send. After each of it the server works as before and nothing lies about. */
export function inputSuite(ground: Ground): void {
  let flow: Flow;
  beforeAll(async () => {
    flow = await Flow.start(ground, { MAX_UPLOAD_BYTES: String(maxBytes) });
  });
  afterEach(async () => {
    await flow.expectAlive();
    await waitFor(async () => (await flow.leftovers()).length === 0, { describe: "no file left behind" });
  });
  afterAll(async () => {
    await expectConsistency(flow);
    await flow.stop();
  });

  const accepted = async (sending: Promise<Reply>) => {
    const reply = await sending;
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    return acceptedDocumentSchema.parse(reply.body).document;
  };
  const count = async (): Promise<number> => (await flow.listAll("/api/documents", documentSchema)).length;

  describe(`uploads that are refused, ${ground}`, () => {
    const cases: readonly (readonly [string, Uint8Array | string, string, string])[] = [
      ["an empty file", "", "empty.txt", "422 file_empty"],
      ["a program", program, "setup.exe", "415 unsupported_file_type"],
      ["a program called a text", program, "notes.txt", "415 file_type_mismatch"],
      ["a file over the limit", Buffer.alloc(maxBytes + 1, 97), "long.txt", "413 file_too_large"],
      ["a file far over the limit", Buffer.alloc(maxBytes * 5, 97), "long.txt", "413 file_too_large"],
    ];
    it.each(cases)("refuses %s", async (_what, bytes, name, expected) => {
      const before = [await count(), await flow.storedFiles()];

      const reply = await flow.postFile(bytes, name);

      expect(`${reply.status} ${String(codeOf(reply))}`).toBe(expected);
      expect([await count(), await flow.storedFiles()]).toEqual(before);
    });

    it("answers a body without a length at the limit, although it never ends", async () => {
      const upload = request(`${flow.url}/api/documents`, {
        method: "POST",
        headers: { "content-type": "multipart/form-data; boundary=b" },
      });
      const isAnswered = once(upload, "response");
      upload.write('--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n');
      const sending = setInterval(() => upload.write(Buffer.alloc(65_536, 97)), 5);

      try {
        const [response] = (await isAnswered) as [IncomingMessage];
        expect(response.statusCode).toBe(413);
      } finally {
        clearInterval(sending);
        upload.destroy();
      }
    });

    it("keeps nothing of an upload that breaks off", async () => {
      const before = [await count(), await flow.storedFiles()];
      const { hostname, port } = new URL(flow.url);
      const socket = connect(Number(port), hostname);
      const head =
        'POST /api/documents HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\ncontent-type: multipart/form-data; boundary=b\r\n\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="half.txt"\r\n\r\n';
      socket.write(head + "half of it ".repeat(3000));
      await waitFor(async () => (await flow.leftovers()).length > 0, { describe: "the upload to begin" });

      socket.destroy();

      await waitFor(async () => (await flow.leftovers()).length === 0, { describe: "the half file to go" });
      expect([await count(), await flow.storedFiles()]).toEqual(before);
    });
  });

  describe(`requests that are refused, ${ground}`, () => {
    const json = { "content-type": "application/json" };
    const cases: readonly (readonly [string, string, Record<string, string>, string])[] = [
      ["broken JSON", '{"text":', json, "400 malformed_json"],
      ["no body", "", json, "400 malformed_json"],
      ["JSON a thousand levels deep", "[".repeat(1000) + "]".repeat(1000), json, "400 malformed_json"],
      ["a prototype", '{"text":"a","__proto__":{}}', json, "400 malformed_json"],
      ["another type", "<a/>", { "content-type": "text/xml" }, "415 unsupported_media_type"],
      ["an unknown field", '{"text":"a","color":"red"}', json, "422 invalid_request"],
      ["a list", "[]", json, "422 invalid_request"],
      ["an empty text", '{"text":" \\u200b\\n"}', json, "422 text_empty"],
      ["a NUL character", '{"text":"a\\u0000b"}', json, "422 invalid_request"],
      ["half a character", '{"text":"a \\ud800"}', json, "422 invalid_request"],
      ["a title of 256", JSON.stringify({ text: "a", title: "x".repeat(256) }), json, "422 invalid_request"],
    ];
    it.each(cases)("refuses %s", async (_what, body, headers, expected) => {
      const before = await count();

      const reply = await flow.send("POST", "/api/documents", { body, headers });

      expect(`${reply.status} ${String(codeOf(reply))}`).toBe(expected);
      expect(await count()).toBe(before);
    });

    it("knows nothing under ids that are none, or others'", async () => {
      for (const id of ["x", "00000000-0000-7000-8000-000000000000", "%20", "a".repeat(900)]) {
        for (const path of [
          `/api/documents/${id}`,
          `/api/documents/${id}/text`,
          `/api/jobs/${id}`,
          `/api/jobs/${id}/events`,
        ]) {
          expect((await flow.send("GET", path)).status, path).toBe(404);
        }
        expect((await flow.send("POST", `/api/documents/${id}/reprocess`)).status).toBe(404);
        expect((await flow.send("DELETE", `/api/documents/${id}`)).status).toBe(404);
      }
    });

    it("does not start a second process on the same folder", async () => {
      if (ground !== "embedded") return;
      const second = startMillrace({ dataDirectory: flow.folder, environment: flow.environment });

      const failure: unknown = await second.catch((error: unknown) => error);

      expect(failure).toMatchObject({
        message: expect.stringContaining("data_folder_in_use"),
        cause: { message: expect.stringContaining("exit code 1") },
      });
    });
  });

  describe(`odd things that are taken, ${ground}`, () => {
    it("takes a PDF by what it is, whatever it is called", async () => {
      const document = await accepted(flow.postFile(await readFile(join(files, "mill.pdf")), "mill.txt"));

      expect(await flow.settled(document.id)).toMatchObject({
        status: "completed",
        file_type: "pdf",
        page_count: 2,
      });
    });

    it("says why an encrypted or broken PDF can't be read", async () => {
      const whole = await readFile(join(files, "mill.pdf"));
      const locked = await accepted(flow.postFile(await readFile(join(files, "locked.pdf")), "locked.pdf"));
      const broken = await accepted(
        flow.postFile(Buffer.concat([whole.subarray(0, 300), Buffer.alloc(2000, 7)]), "broken.pdf"),
      );

      const [first, second] = [await flow.settled(locked.id), await flow.settled(broken.id)];

      expect(first).toMatchObject({ status: "failed", processing_error_code: "pdf_encrypted" });
      expect(first.processing_error?.length).toBeGreaterThan(20);
      expect(second.status).toBe("failed");
      expect(second.processing_error_code).toMatch(/^[a-z_]+$/);
      expect((await flow.job(locked.job_id)).attempts).toHaveLength(1);
    });

    it("keeps a short form of a name of five thousand characters", async () => {
      const document = await accepted(
        flow.postFile("A short text under a long name.", `${"n".repeat(5000)}.txt`),
      );

      expect(document.file_name?.length).toBeLessThanOrEqual(255);
      expect((await flow.settled(document.id)).status).toBe("completed");
    });

    it("takes a file with NUL bytes among its text", async () => {
      const document = await accepted(flow.postFile("It has a \u0000 in it. That is all.", "nul.txt"));

      const ended = await flow.settled(document.id);

      expect(ended.status).toBe("completed");
      expect((await flow.get(`/api/documents/${document.id}/text`, documentTextSchema)).text).not.toContain(
        "\u0000",
      );
    });

    it("is honest about a text of one word", async () => {
      const { document } = await flow.postText("Mill");

      const ended = await flow.settled(document.id);

      expect(["completed", "partial"]).toContain(ended.status);
      const analysis = await flow.analysis(document.id);
      const missing = Object.entries(ended.parts).filter(([, state]) => state === "unavailable");
      expect(missing.length).toBeGreaterThan(0);
      expect(analysis.key_points.reason === null).toBe(analysis.key_points.state === "done");
    });

    const languages = [
      [
        "de",
        "Die Mühle steht am Fluss. Der Müller ist zufrieden, denn das Wasser fließt gut. Im Winter friert der Bach zu.",
      ],
      [
        "sk",
        "Mlyn stojí pri rieke. Mlynár je spokojný, pretože voda tečie dobre. V zime potok zamrzne a všetci čakajú na jar.",
      ],
      ["zh", "磨坊在河边。磨坊主很满意,因为水流得很好。冬天小溪结冰,大家都在等春天。"],
    ] as const;
    it.each(languages)(
      "completes a text in %s, without a sentiment it can't know",
      async (_language, text) => {
        const { document } = await flow.postText(text);

        const ended = await flow.settled(document.id);

        expect(ended).toMatchObject({ status: "completed", parts: { sentiment: "unavailable" } });
        expect((await flow.analysis(document.id)).sentiment.reason).not.toBeNull();
      },
    );
  });
}
