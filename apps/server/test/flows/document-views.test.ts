import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  acceptedDocumentSchema,
  documentOutlineSchema,
  documentTextSchema,
  isTerminal,
  similarDocumentsSchema,
  systemSchema,
  uploadedFilesSchema,
} from "@millrace/contracts";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer, ModelCall } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";

const files = join(import.meta.dirname, "files");

let models: FakeModelServer;
let flow: Flow;

beforeAll(async () => {
  models = await startFakeModelServer({ port: 0 });
  flow = await Flow.start("embedded", {
    CHAT_URL: models.url,
    CHAT_MODEL: "first",
    CHAT_FALLBACK: "openai-compatible:second",
  });
});
afterEach(() => models.setScript([]));
afterAll(async () => {
  await expectConsistency(flow);
  await flow.stop();
  await models.stop();
});

function modelOf(call: ModelCall): unknown {
  return typeof call.body === "object" && call.body !== null && "model" in call.body && call.body.model;
}

async function finished(text: string): Promise<string> {
  const { document } = await flow.postText(text);
  expect(await flow.settled(document.id)).toMatchObject({ status: "completed" });
  return document.id;
}

function rerun(id: string, json: object, headers: Record<string, string> = {}) {
  return flow.send("POST", `/api/documents/${id}/parts/summary/rerun`, { json, headers });
}

function upload(given: readonly (readonly [name: string, text: string])[], headers = {}) {
  const form = new FormData();
  for (const [name, text] of given) form.append("files", new Blob([text]), name);
  return flow.send("POST", "/api/documents", { body: form, headers });
}

describe("making one part again", () => {
  it("offers the models that are set up, and the built-in one", async () => {
    const { models: shown } = await flow.get("/api/system", systemSchema);

    expect(shown.chat_choices).toEqual([
      { name: "openai-compatible:first", built_in: false },
      { name: "openai-compatible:second", built_in: false },
      { name: "builtin:extractive-1", built_in: true },
    ]);
  });

  it("by another model says which model and prompt made the new result, and leaves the others alone", async () => {
    const id = await finished("The miller of Ashford kept a diary. It tells of floods and of good years.");
    const before = await flow.analysis(id);

    const reply = await rerun(id, { model: "openai-compatible:second" }, { prefer: "wait=30" });

    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    expect(acceptedDocumentSchema.parse(reply.body)).toMatchObject({
      document: { status: "completed" },
      job: { task: "documents.rerun_part", state: "succeeded" },
    });
    const after = await flow.analysis(id);
    expect(after.summary).toMatchObject({
      state: "done",
      model: "openai-compatible:second",
      prompts: [expect.stringMatching(/^document\.summary@\d+$/)],
      coverage: 1,
      rerun: null,
    });
    expect({ ...after, summary: null }).toEqual({ ...before, summary: null });
    expect((await flow.events(id)).at(-1)?.type).toBe("document.part_rerun");
  });

  it("shows the old result until the new one is there, and refuses the same part meanwhile", async () => {
    const id = await finished("The weir was rebuilt twice. The second time it held for a century.");
    const before = await flow.analysis(id);
    models.setScript([{ kind: "hold", barrier: "held" }]);

    const { job } = acceptedDocumentSchema.parse((await rerun(id, {})).body);
    const during = await flow.until(
      () => flow.job(job.id),
      ({ state }) => state === "running",
    );
    expect(during.state).toBe("running");
    expect((await flow.analysis(id)).summary).toEqual({
      ...before.summary,
      rerun: expect.objectContaining({ state: "running", model: null, job_id: job.id }),
    });
    const second = await rerun(id, {});
    expect([second.status, codeOf(second)]).toEqual([409, "part_busy"]);

    models.release("held");
    const ended = await flow.until(
      () => flow.job(job.id),
      ({ state }) => isTerminal(state),
    );
    expect(ended.state).toBe("succeeded");
    expect((await flow.analysis(id)).summary).toMatchObject({
      state: "done",
      model: "openai-compatible:first",
      rerun: null,
    });
  });

  it("keeps the old result when it fails, and says why", async () => {
    const id = await finished("The toll bridge closed in spring. Nobody missed it for long.");
    const before = await flow.analysis(id);
    models.setScript((call) => (modelOf(call) === "second" ? { kind: "refuse", status: 400 } : undefined));

    const reply = await rerun(id, { model: "openai-compatible:second" }, { prefer: "wait=30" });

    expect(acceptedDocumentSchema.parse(reply.body).job.state).toBe("failed");
    const { summary } = await flow.analysis(id);
    expect(summary).toMatchObject({
      result: before.summary.result,
      model: "openai-compatible:first",
      rerun: {
        state: "failed",
        model: "openai-compatible:second",
        reason: expect.any(String),
        error_code: "model_request_rejected",
      },
    });
    expect(await flow.document(id)).toMatchObject({ status: "completed" });
  });

  it("gives way when everything is done again", async () => {
    const id = await finished("The dredger came in May. The river ran clear by June.");
    models.setScript((call) => (modelOf(call) === "second" ? { kind: "hold", barrier: "never" } : undefined));
    const { job } = acceptedDocumentSchema.parse(
      (await rerun(id, { model: "openai-compatible:second" })).body,
    );

    expect((await flow.send("POST", `/api/documents/${id}/reprocess`)).status).toBe(202);

    const ended = await flow.until(
      () => flow.job(job.id),
      ({ state }) => isTerminal(state),
    );
    expect(ended.state).toBe("cancelled");
    expect(await flow.settled(id)).toMatchObject({ status: "completed" });
    expect((await flow.analysis(id)).summary).toMatchObject({
      model: "openai-compatible:first",
      rerun: null,
    });
    models.release("never");
  });

  it("refuses a model that is not set up, with those that are", async () => {
    const id = await finished("A short note about eels.");

    const reply = await rerun(id, { model: "gemini:dear" });

    expect([reply.status, codeOf(reply)]).toEqual([422, "model_not_configured"]);
    expect(JSON.stringify(reply.body)).toContain("openai-compatible:second");
  });
});

describe("reading a document", () => {
  it("finds pages and headings, and pieces that make up the text", async () => {
    const { document } = acceptedDocumentSchema.parse(
      (await flow.postFile(await readFile(join(files, "mill.pdf")), "mill.pdf")).body,
    );
    await flow.settled(document.id);

    const outline = await flow.get(`/api/documents/${document.id}/outline`, documentOutlineSchema);
    const { text } = await flow.get(`/api/documents/${document.id}/text`, documentTextSchema);

    expect(outline.total_length).toBe(text.length);
    expect(outline.pages.map(({ page }) => page)).toEqual(outline.pages.map((_page, index) => index + 1));
    expect(outline.cuts).toEqual(expect.arrayContaining(outline.pages.map((page) => page.char_start)));
  });

  it("gives the file as it came, as an attachment in a sandbox, whole or in part", async () => {
    const bytes = await readFile(join(files, "mill.pdf"));
    const { document } = acceptedDocumentSchema.parse((await flow.postFile(bytes, "mill 2.pdf")).body);
    const address = `${flow.url}/api/documents/${document.id}/file`;

    const whole = await fetch(address);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      "content-type": "application/pdf",
      "content-length": String(bytes.length),
      "content-disposition": expect.stringMatching(/^attachment; filename="mill 2\.pdf"/),
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "accept-ranges": "bytes",
    });
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);

    const part = await fetch(address, { headers: { range: "bytes=10-19" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 10-19/${bytes.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true);
    expect((await fetch(address, { headers: { range: "bytes=99999999-" } })).status).toBe(416);
    const known = await fetch(address, { headers: { "if-none-match": whole.headers.get("etag") ?? "" } });
    expect(known.status).toBe(304);
    await flow.settled(document.id);
  });

  it("serves a page as bytes, and has no file of a pasted text", async () => {
    const page = acceptedDocumentSchema.parse(
      (await flow.postFile("<!doctype html><script>alert(1)</script><p>Hello there.</p>", "page.html")).body,
    ).document;
    const { document } = await flow.postText("Pasted.");

    const file = await fetch(`${flow.url}/api/documents/${page.id}/file`);
    expect(file.headers.get("content-type")).toBe("application/octet-stream");
    await file.body?.cancel();
    const none = await flow.send("GET", `/api/documents/${document.id}/file`);
    expect([none.status, codeOf(none)]).toEqual([404, "no_original"]);
    await Promise.all([flow.settled(page.id), flow.settled(document.id)]);
  });
});

describe("similar documents", () => {
  it("come with the nearest first, by all passages, and never the document itself", async () => {
    const sluice = "The sluice gate of the old mill lets the river water onto the great wheel every morning.";
    const id = await finished(`${sluice} The miller opens it by hand.`);
    const near = await finished(`${sluice} The miller closes it at night.`);
    const far = await finished(
      "Quarterly revenue of the software company exceeded analyst expectations again.",
    );

    const all = await flow.get(`/api/documents/${id}/similar?min_score=-1&limit=50`, similarDocumentsSchema);

    expect(all.model).toMatch(/^builtin:/);
    expect(all.data[0]).toMatchObject({ document_id: near, passage: { char_start: 0 } });
    const ids = all.data.map(({ document_id }) => document_id);
    expect(ids).toContain(far);
    expect(ids).not.toContain(id);
    expect(all.data.map(({ score }) => score)).toEqual(
      all.data.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    const good = await flow.get(`/api/documents/${id}/similar`, similarDocumentsSchema);
    expect(good.data.map(({ document_id }) => document_id)).toContain(near);
    expect(good.data.map(({ document_id }) => document_id)).not.toContain(far);
  });
});

describe("an upload of several files", () => {
  it("takes the good ones, says what is wrong with the others, and repeats nothing", async () => {
    const given = [
      ["one.txt", "The first note of the day."],
      ["empty.txt", ""],
      ["archive.zip", "PK\u0003\u0004 not a document"],
      ["two.md", "# Two\n\nThe second note of the day."],
    ] as const;
    const headers = { "idempotency-key": '"several-1"' };

    const first = await upload(given, headers);
    const again = await upload(given, headers);

    expect(first.status, JSON.stringify(first.body)).toBe(202);
    const { files: results, accepted, refused } = uploadedFilesSchema.parse(first.body);
    expect([accepted, refused]).toEqual([2, 2]);
    expect(
      results.map(({ file_name, document, error }) => [file_name, document?.file_type, error?.code]),
    ).toEqual([
      ["one.txt", "text", undefined],
      ["empty.txt", undefined, "file_empty"],
      ["archive.zip", undefined, expect.any(String)],
      ["two.md", "markdown", undefined],
    ]);
    const ids = results.flatMap(({ document }) => document?.id ?? []);
    const repeated = uploadedFilesSchema
      .parse(again.body)
      .files.flatMap(({ document }) => document?.id ?? []);
    expect(repeated).toEqual(ids);
    for (const id of ids) expect(await flow.settled(id)).toMatchObject({ status: "completed" });
  });

  it("of which none can be taken is refused with a reason for each", async () => {
    const reply = await upload([
      ["a.txt", ""],
      ["b.txt", ""],
    ]);

    expect([reply.status, codeOf(reply)]).toEqual([422, "no_file_accepted"]);
    expect(reply.body).toMatchObject({
      errors: [
        { pointer: "/files/0", code: "file_empty" },
        { pointer: "/files/1", code: "file_empty" },
      ],
    });
  });
});
