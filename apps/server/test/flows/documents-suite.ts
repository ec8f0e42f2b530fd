import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  acceptedDocumentSchema,
  documentSchema,
  documentStatsSchema,
  documentTextSchema,
  jobSchema,
  logLineSchema,
  pageSchema,
  searchResultSchema,
} from "@millrace/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";

const files = join(import.meta.dirname, "files");

const fileCases = [
  { name: "mill.pdf", type: "pdf", says: "The mill by the river grinds grain" },
  { name: "letter.docx", type: "docx", says: "the wheel turns again" },
  {
    name: "page.html",
    type: "html",
    says: "Flour is sold on Friday",
    content:
      "<!doctype html><html><head><title>Shop</title></head><body><h1>Shop</h1><p>Flour is sold on Friday.</p></body></html>",
  },
  {
    name: "notes.md",
    type: "markdown",
    says: "Check the sluice",
    content: "# Notes\n\n- Check the sluice.\n- Grease the axle, it is loud.\n",
  },
  {
    name: "plain.txt",
    type: "text",
    says: "Rain came at last",
    content: "Rain came at last. The river rose and everybody was happy.\n",
  },
  {
    name: "levels.csv",
    type: "csv",
    says: "opened by Ann in the rain",
    content: "Gate;Level;Note\nNorth;1,20;opened by Ann in the rain\nSouth;0,80;closed\n",
  },
  {
    name: "note.eml",
    type: "eml",
    says: "the sluice keeper comes tomorrow",
    content:
      "From: Ann <ann@mill.example>\nTo: Ben <ben@mill.example>\nSubject: Sluice\nDate: Fri, 20 Nov 2026 09:30:00 +0100\n\nPlease be there, the sluice keeper comes tomorrow.\n",
  },
  { name: "scan.pdf", type: "pdf", says: "he counted the sacks of flour" },
  { name: "wall.png", type: "image", says: "before the gates were opened" },
] as const;

/** What a client of the REST API does in a day, on one server. */
export function documentsSuite(ground: Ground): void {
  let flow: Flow;
  beforeAll(async () => {
    flow = await Flow.start(ground);
  });
  afterAll(async () => {
    await expectConsistency(flow);
    await flow.stop();
  });

  describe(`documents, ${ground}`, () => {
    it("takes a text at once and processes it behind the answer", async () => {
      const reply = await flow.send("POST", "/api/documents", {
        json: { text: "The old mill grinds well. Its bread is wonderful.", title: "Old mill" },
      });

      const { document, job } = acceptedDocumentSchema.parse(reply.body);
      expect(reply.status).toBe(202);
      expect(reply.headers.get("location")).toBe(`/api/jobs/${job.id}`);
      expect(reply.headers.get("content-location")).toBe(`/api/documents/${document.id}`);
      expect(reply.headers.get("retry-after")).toBe("1");
      expect(document).toMatchObject({
        title: "Old mill",
        status: "uploaded",
        file_type: "text",
        job_id: job.id,
      });

      const ended = await flow.settled(document.id);
      expect(ended).toMatchObject({ status: "completed", language: "en", processing_error: null });
      const analysis = await flow.analysis(document.id);
      expect(analysis).toMatchObject({ is_complete: true, completion_percentage: 100 });
      expect(analysis.summary).toMatchObject({ state: "done", extractive: true });
      const done = await flow.job(job.id);
      expect(done).toMatchObject({ state: "succeeded", attempt: 1, progress: { percent: 100 } });
      expect(done.steps.every((step) => step.state === "done" && step.starts === 1)).toBe(true);
      const status = await flow.get(`/api/documents/${document.id}/status`, acceptedDocumentSchema);
      expect(status.job.state).toBe("succeeded");
    });

    it("answers 201 with the finished document when asked to wait", async () => {
      const reply = await flow.send("POST", "/api/documents", {
        json: { text: "Somebody waits for this. It is short." },
        headers: { prefer: "wait=30" },
      });

      expect(reply.status).toBe(201);
      expect(reply.headers.get("preference-applied")).toBe("wait=30");
      const { document } = acceptedDocumentSchema.parse(reply.body);
      expect(document.status).toBe("completed");
      expect(reply.headers.get("location")).toBe(document.links.self);
    });

    it.each(fileCases)("reads $name", async (given) => {
      const bytes = "content" in given ? given.content : await readFile(join(files, given.name));

      const reply = await flow.postFile(bytes, given.name);

      expect(reply.status, JSON.stringify(reply.body)).toBe(202);
      const { document } = acceptedDocumentSchema.parse(reply.body);
      expect(document).toMatchObject({ file_name: given.name, file_type: given.type });
      expect(await flow.settled(document.id)).toMatchObject({ status: "completed", file_type: given.type });
      const text = await flow.get(`/api/documents/${document.id}/text`, documentTextSchema);
      expect(text.text).toContain(given.says);
      const found = await flow.get(`/api/search?q=${encodeURIComponent(given.says)}`, searchResultSchema);
      const hit = found.data.find((one) => one.document_id === document.id);
      expect(hit?.passage.some((run) => run.match)).toBe(true);
    });

    it("pages through lists without gaps or doubles while they grow", async () => {
      for (let index = 0; index < 7; index++) await flow.postText(`Paged document number ${index}.`);
      const first = await flow.send("GET", "/api/documents?limit=3");
      const page = pageSchema(documentSchema).parse(first.body);
      await flow.postText("Posted between two pages.");

      const rest = await flow.listAll(`/api/documents?search=Paged`, documentSchema, 2);
      const second = await flow.send("GET", `/api/documents?limit=3&cursor=${page.next_cursor}`);

      expect(rest.map(({ title }) => title)).toEqual(
        [6, 5, 4, 3, 2, 1, 0].map((index) => `Paged document number ${index}.`),
      );
      const next = pageSchema(documentSchema).parse(second.body);
      const seen = [...page.data, ...next.data].map(({ title }) => title);
      expect(seen).toEqual([6, 5, 4, 3, 2, 1].map((index) => `Paged document number ${index}.`));
    });

    it("filters lists and refuses what it does not know", async () => {
      const pdfs = await flow.listAll("/api/documents?file_type=pdf&status=completed", documentSchema);
      const jobs = await flow.listAll("/api/jobs?state=succeeded&queue=documents", jobSchema);

      expect(pdfs.map(({ file_name: name }) => name)).toEqual(["scan.pdf", "mill.pdf"]);
      expect(jobs.length).toBeGreaterThan(0);
      expect(await flow.listAll("/api/documents?search=%25", documentSchema)).toEqual([]);
      for (const query of ["colour=blue", "status=lost", "cursor=x", "limit=0"]) {
        expect((await flow.send("GET", `/api/documents?${query}`)).status, query).toBe(422);
      }
    });

    it("renames, and counts", async () => {
      const { document } = await flow.postText("A document to be renamed. Nothing else.");
      await flow.settled(document.id);

      const reply = await flow.send("PATCH", `/api/documents/${document.id}`, {
        json: { title: "  New name " },
      });
      const refused = await flow.send("PATCH", `/api/documents/${document.id}`, {
        json: { title: "x", status: "failed" },
      });

      expect(documentSchema.parse(reply.body).title).toBe("New name");
      expect(refused.status).toBe(422);
      const stats = await flow.get("/api/documents/stats", documentStatsSchema);
      const all = await flow.listAll("/api/documents", documentSchema);
      expect(stats.total).toBe(all.length);
      expect(stats.avg_processing_time).toBeGreaterThan(0);
    });

    it("gives a text in pieces that make up the whole, whatever characters are at the cuts", async () => {
      const whole = "😀 mill 𝒳 river. ".repeat(40).trim();
      const { document } = await flow.postText(whole);
      await flow.settled(document.id);

      let text = "";
      for (let offset: number | null = 0; offset !== null;) {
        const path: string = `/api/documents/${document.id}/text?offset=${offset}&limit=7`;
        const piece: { text: string; next_offset: number | null } = await flow.get(path, documentTextSchema);
        text += piece.text;
        offset = piece.next_offset;
      }

      expect(text).toBe(whole);
    });

    it("deletes a document with its text, passages, file and events", async () => {
      const reply = await flow.postFile("The unrepeatable word xylophonist is in here.\n", "gone.txt");
      const { document } = acceptedDocumentSchema.parse(reply.body);
      await flow.settled(document.id);
      const kept = await flow.storedFiles();

      expect((await flow.send("DELETE", `/api/documents/${document.id}?forever=true`)).status).toBe(204);

      for (const below of ["", "/text", "/analysis", "/logs", "/status", "/events"]) {
        expect((await flow.send("GET", `/api/documents/${document.id}${below}`)).status, below).toBe(404);
      }
      expect((await flow.send("DELETE", `/api/documents/${document.id}`)).status).toBe(404);
      expect((await flow.get("/api/search?q=xylophonist", searchResultSchema)).data).toEqual([]);
      expect(await flow.storedFiles()).toBe(kept - 1);
    });

    it("keeps a deleted document in the trash with all that was made of it, and brings it back as it was", async () => {
      const reply = await flow.postFile("The unrepeatable word bassoonist is in here.\n", "back.txt");
      const { document } = acceptedDocumentSchema.parse(reply.body);
      await flow.settled(document.id);
      const change = { action: "tag", tags: ["Wind  Instruments"] };
      await flow.send("POST", "/api/documents/bulk", { json: { filter: { ids: [document.id] }, change } });
      const search = () =>
        flow.get("/api/search?q=bassoonist%20tag:%22wind%20instruments%22", searchResultSchema);
      expect((await search()).data).toHaveLength(1);
      const before = await flow.document(document.id);

      expect((await flow.send("DELETE", `/api/documents/${document.id}`)).status).toBe(204);

      for (const below of ["", "/text", "/analysis", "/logs", "/status", "/events", "/file", "/similar"]) {
        expect((await flow.send("GET", `/api/documents/${document.id}${below}`)).status, below).toBe(404);
      }
      expect((await search()).data).toEqual([]);
      expect((await flow.get("/api/search?q=bassoonist", searchResultSchema)).data).toEqual([]);
      expect((await flow.send("POST", `/api/documents/${document.id}/reprocess`)).status).toBe(404);
      expect((await flow.send("POST", `/api/jobs/${document.job_id}/retry`)).status).toBe(409);
      const trash = await flow.listAll("/api/documents?trashed=true", documentSchema);
      expect(trash).toMatchObject([{ id: document.id, purge_at: expect.any(String) }]);

      expect((await flow.send("POST", `/api/documents/${document.id}/restore`)).status).toBe(200);

      const { updated_at: _changed, ...after } = await flow.document(document.id);
      expect(before).toMatchObject(after);
      expect((await search()).data).toHaveLength(1);
    });

    it("logs what was done, newest first, by document and by job", async () => {
      const { document, job } = await flow.postText("Something to log. It is fine.");
      await flow.settled(document.id);

      const lines = await flow.listAll(`/api/documents/${document.id}/logs`, logLineSchema, 2);

      expect(lines.length).toBeGreaterThan(3);
      expect(lines.map(({ id }) => id)).toEqual(
        lines
          .map(({ id }) => id)
          .toSorted()
          .toReversed(),
      );
      expect(await flow.listAll(`/api/jobs/${job.id}/logs`, logLineSchema)).toEqual(lines);
    });

    it("does everything again on request, and refuses while work goes on", async () => {
      const { document, job } = await flow.postText("This will be done twice. It is worth it.");
      const busy = await flow.send("POST", `/api/documents/${document.id}/reprocess`);
      await flow.settled(document.id);

      const reply = await flow.send("POST", `/api/documents/${document.id}/reprocess`);

      expect([busy.status, codeOf(busy)]).toEqual([409, "document_busy"]);
      expect(reply.status).toBe(202);
      const again = acceptedDocumentSchema.parse(reply.body);
      expect(again.job.id).not.toBe(job.id);
      expect(again.document).toMatchObject({ status: "uploaded", processing_completed_at: null });
      expect((await flow.settled(document.id)).status).toBe("completed");
      const nothing = await flow.send("POST", `/api/documents/${document.id}/retry_failed`);
      expect([nothing.status, codeOf(nothing)]).toEqual([409, "nothing_to_retry"]);
    });

    it("cancels twice alike, and not after another end", async () => {
      const path = (id: string): string => `/api/documents/${id}/cancel_processing`;
      const { document, job } = await flow.postText("Nobody wants this any more. ".repeat(2000));

      const first = await flow.send("POST", path(document.id));
      const second = await flow.send("POST", path(document.id));

      expect([first.status, second.status]).toEqual([202, 202]);
      expect((await flow.settled(document.id)).status).toBe("cancelled");
      expect((await flow.send("POST", path(document.id))).status).toBe(202);
      expect((await flow.send("POST", `/api/jobs/${job.id}/cancel`)).status).toBe(202);
      const retried = await flow.send("POST", `/api/jobs/${job.id}/retry`);
      expect(retried.status).toBe(202);
      expect((await flow.settled(document.id)).status).toBe("completed");
      const late = await flow.send("POST", path(document.id));
      const lateJob = await flow.send("POST", `/api/jobs/${job.id}/cancel`);
      expect([late.status, codeOf(late)]).toEqual([409, "already_finished"]);
      expect([lateJob.status, codeOf(lateJob)]).toEqual([409, "already_finished"]);
    });

    it("does not retry a job whose document another job has taken over", async () => {
      const { document, job } = await flow.postText("First cancelled, then done again by another job.");
      await flow.send("POST", `/api/jobs/${job.id}/cancel`);
      const before = await flow.settled(document.id);
      await flow.send("POST", `/api/documents/${document.id}/reprocess`);
      await flow.settled(document.id);

      const reply = await flow.send("POST", `/api/jobs/${job.id}/retry`);

      expect(before.status).toBe("cancelled");
      expect([reply.status, codeOf(reply)]).toEqual([409, "job_superseded"]);
      expect((await flow.document(document.id)).status).toBe("completed");
    });

    it("waits for a job's end on request", async () => {
      const { job } = await flow.postText("A job that somebody waits for. It takes a moment.");

      const reply = await flow.send("GET", `/api/jobs/${job.id}`, { headers: { prefer: "wait=30" } });

      expect(jobSchema.parse(reply.body).state).toBe("succeeded");
    });
  });

  describe(`repeated requests, ${ground}`, () => {
    it("makes one document of fifty requests with one key at once", async () => {
      const before = await flow.get("/api/documents/stats", documentStatsSchema);
      const send = () =>
        flow.send("POST", "/api/documents", {
          json: { text: "Only one of me. There must not be two." },
          headers: { "idempotency-key": `once-${ground}` },
        });

      const replies = await Promise.all(Array.from({ length: 50 }, send));

      expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
      const ids = replies.map(({ body }) => acceptedDocumentSchema.parse(body).document.id);
      expect(new Set(ids).size).toBe(1);
      const replayed = replies.filter(({ headers }) => headers.get("idempotent-replayed") === "true");
      expect(replayed).toHaveLength(49);
      const after = await flow.get("/api/documents/stats", documentStatsSchema);
      expect(after.total).toBe(before.total + 1);
    });

    it("keeps no second file of a repeated upload, and refuses another one under the key", async () => {
      const upload = (content: string) => {
        const form = new FormData();
        form.set("file", new Blob([content]), "once.txt");
        return flow.send("POST", "/api/documents", {
          body: form,
          headers: { "idempotency-key": `file-${ground}` },
        });
      };
      const first = await upload("The same file again and again.");
      const kept = await flow.storedFiles();

      const replies = await Promise.all(
        Array.from({ length: 10 }, () => upload("The same file again and again.")),
      );
      const other = await upload("Another file.");

      expect(replies.map(({ body }) => body)).toEqual(replies.map(() => first.body));
      expect([other.status, codeOf(other)]).toEqual([422, "idempotency_key_reused"]);
      expect(await flow.storedFiles()).toBe(kept);
    });
  });
}
