import { acceptedDocumentSchema, documentTextSchema, searchResultSchema } from "@millrace/contracts";
import type { Document } from "@millrace/contracts";
import { eicar, startFakeClamd } from "@millrace/extract/testing";
import type { FakeClamd } from "@millrace/extract/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Flow } from "./flow.ts";

describe("a server with a virus scanner, a stand-in for clamd", () => {
  let clamd: FakeClamd;
  let flow: Flow;

  beforeAll(async () => {
    clamd = await startFakeClamd();
    flow = await Flow.start("embedded", { CLAMAV_ADDRESS: clamd.address });
  });
  afterAll(async () => {
    await flow.stop();
    await clamd.stop();
  });

  async function process(content: string, name: string): Promise<Document> {
    const reply = await flow.postFile(content, name);
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    return await flow.settled(acceptedDocumentSchema.parse(reply.body).document.id);
  }

  const hits = async (word: string) =>
    (await flow.get(`/api/search?q=${word}&mode=full_text`, searchResultSchema)).data;

  it("refuses the test virus of EICAR at once, and extracts nothing of it", async () => {
    const document = await process(`${eicar}\nThe word bassoonist stands behind it.\n`, "notes.txt");

    expect(document).toMatchObject({
      status: "failed",
      processing_error_code: "file_infected",
      processing_error: expect.stringContaining("Eicar-Test-Signature"),
      text_length: null,
    });
    expect(await flow.job(document.job_id)).toMatchObject({
      state: "failed",
      attempt: 1,
      error: { code: "file_infected" },
    });
    const text = await flow.get(`/api/documents/${document.id}/text`, documentTextSchema);
    expect(text).toMatchObject({ text: "", total_length: 0 });
    expect(await hits("bassoonist")).toEqual([]);
    // Until it is deleted, whoever must look at it can.
    const file = await flow.send("GET", `/api/documents/${document.id}/file`);
    expect([file.status, file.headers.get("content-disposition")]).toEqual([
      200,
      expect.stringMatching(/^attachment/),
    ]);
    expect(await flow.leftovers()).toEqual([]);
  });

  it("passes a clean file, once it was asked about it", async () => {
    const content = "The word xylophonist stands in a clean file. It is read.\n";
    const document = await process(content, "clean.txt");

    expect(document.status).toBe("completed");
    expect(clamd.scanned.map(String)).toContain(content);
    const { text } = await flow.get(`/api/documents/${document.id}/text`, documentTextSchema);
    expect(text).toContain("xylophonist");
    expect((await hits("xylophonist")).map((hit) => hit.document_id)).toEqual([document.id]);
  });
});
