import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { acceptedDocumentSchema } from "@millrace/contracts";
import type { Document } from "@millrace/contracts";
import { largeHostileFiles, smallHostileFiles } from "@millrace/extract/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Flow } from "./flow.ts";
import { expectConsistency } from "./invariants.ts";

/** Minutes for each file at a limit, and the largest text has 12,000 passages to embed: half an hour on a busy machine. */
const allEndMs = 90 * 60_000;

/** The embedded database alone takes 1 GB at its start; the rest is the texts that are kept, and a few uploads. */
const maxServerBytes = 2_000_000_000;

const files = join(import.meta.dirname, "files");

describe("hostile files among ordinary ones", () => {
  let flow: Flow;
  beforeAll(async () => {
    // Text in the pictures that some of them claim to be takes minutes, and is bounded by its own setting.
    flow = await Flow.start("embedded", { WORKER_CONCURRENCY: "6", OCR_MAX_PAGES: "1" });
  });
  afterAll(() => flow.stop());

  const upload = async (bytes: Uint8Array, name: string) => {
    const reply = await flow.postFile(bytes, name);
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    return acceptedDocumentSchema.parse(reply.body).document;
  };
  /** How an upload ended, "read" or its error code, and how often it was tried: waiting for recognised text is no try. */
  const endOf = async ({ id, job_id: jobId }: Document) => {
    const { processing_error_code: code } = await flow.settled(id, allEndMs);
    const { attempts } = await flow.job(jobId);
    const tries = attempts.filter(({ outcome }) => outcome !== "snoozed").length;
    return { end: code ?? "read", tries };
  };

  it(
    "gives each its code at the first attempt, completes every ordinary one meanwhile, and stays up",
    async () => {
      const ordinary = [
        ["mill.pdf", await readFile(join(files, "mill.pdf"))],
        ["letter.docx", await readFile(join(files, "letter.docx"))],
        ["note.txt", Buffer.from("The mill works. It is a good day for the miller and his wife.")],
      ] as const;
      const hostile = [...largeHostileFiles, ...smallHostileFiles];
      const uploaded: Document[] = [];
      for (const { make, fileName } of hostile) uploaded.push(await upload(make(), fileName));
      const over = new AbortController();

      const ending = Promise.all(uploaded.map(endOf)).finally(() => over.abort());
      const statuses: string[] = [];
      while (!over.signal.aborted) {
        const documents = await Promise.all(ordinary.map(([name, bytes]) => upload(bytes, name)));
        for (const { id } of documents) statuses.push((await flow.settled(id, allEndMs)).status);
      }
      const ends = await ending;

      const wrong = hostile.flatMap(({ kind, ends: expected }, index) => {
        const { end = "", tries } = ends[index] ?? {};
        return tries === 1 && expected.includes(end) ? [] : [{ kind, end, tries }];
      });
      expect(wrong).toEqual([]);
      expect(new Set(statuses)).toEqual(new Set(["completed"]));
      expect(flow.server.process.exitCode).toBeNull();
      expect(await peakBytes(flow.server.process.pid)).toBeLessThan(maxServerBytes);
      await expectConsistency(flow);
    },
    allEndMs,
  );
});

/** The most memory that a process has had. */
async function peakBytes(processId: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${processId}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
