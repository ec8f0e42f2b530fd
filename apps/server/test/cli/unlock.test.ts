import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { acceptedDocumentSchema, jobSchema } from "@millrace/contracts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Flow } from "../flows/flow.ts";
import { processedSchema, runCommand, runJson } from "./command.ts";

/** The password of a PDF by command, with a server on the folder. */
let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start("embedded");
});
afterAll(() => flow.stop());

const options = (input?: string) => ({
  folder: flow.folder,
  environment: { DATA_DIR: flow.folder },
  ...(input === undefined ? {} : { input }),
});

async function uploadLocked(): Promise<string> {
  const bytes = await readFile(join(import.meta.dirname, "../flows/files/locked-ledger.pdf"));
  const { document } = acceptedDocumentSchema.parse((await flow.postFile(bytes, "ledger.pdf")).body);
  expect(await flow.settled(document.id)).toMatchObject({ processing_error_code: "pdf_encrypted" });
  return document.id;
}

it("opens a PDF with a password out of standard input, and says when it is wrong", async () => {
  const id = await uploadLocked();
  const words = ["documents", "unlock", id, "--password-file", "-", "--wait"];

  const wrong = await runCommand(words, options("nonsense\n"));
  const right = await runJson(processedSchema, words, options("Schlüssel zum Wehr\n"));
  const again = await runCommand(words, options("Schlüssel zum Wehr\n"));

  expect(wrong).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("pdf_password_wrong") });
  expect(right.document).toMatchObject({ id, status: "completed", page_count: 2 });
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("document_not_locked") });
});

it("takes it from a file, and does not wait unless told to", async () => {
  const id = await uploadLocked();
  const file = join(flow.folder, "password.txt");
  await writeFile(file, "Schlüssel zum Wehr");

  const job = await runJson(jobSchema, ["documents", "unlock", id, "--password-file", file], options());

  expect(await flow.settled(id)).toMatchObject({ status: "completed", job_id: job.id });
});

it("asks nobody where there is no terminal, and takes no empty password", async () => {
  const id = "0199aaaa-0000-7000-8000-000000000001";

  const unasked = await runCommand(["documents", "unlock", id], options());
  const empty = await runCommand(["documents", "unlock", id, "--password-file", "-"], options("\n"));
  const absent = await runCommand(["documents", "unlock", id, "--password-file", "-"], options("a"));

  expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining("--password-file") });
  expect(empty).toMatchObject({ code: 2, stderr: expect.stringContaining("empty") });
  expect(absent).toMatchObject({ code: 3, stderr: expect.stringContaining("document_not_found") });
});
