import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  analysisSchema,
  documentSchema,
  jobDetailSchema,
  jobSchema,
  logLineSchema,
  searchResultSchema,
  similarDocumentsSchema,
} from "@millrace/contracts";
import { lockFolder } from "@millrace/database";
import { parseJson } from "@millrace/kernel";
import { startFakeModelServer, startMillrace, waitFor } from "@millrace/testing";
import type { FakeModelServer, RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { processedSchema, readJsonLines, runCommand, startCommand, temporaryFolder } from "./command.ts";

const article =
  "The new bridge carries trains and bicycles. Engineers are proud of its light arches. " +
  "A few neighbours worry about noise. The next bridge will follow in spring.";
const token = "a-key-for-these-tests-only";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let model: FakeModelServer;
let server: RunningMillrace;
/** What a person sets who uses the server of the data folder. */
const environment = { MILLRACE_TOKEN: token };

beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder.path, "data"));
  model = await startFakeModelServer({ port: 0 });
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
  await model.stop();
  await folder[Symbol.asyncDispose]();
});

function startServer(port = "0"): Promise<RunningMillrace> {
  return startMillrace({
    dataDirectory: join(folder.path, "data"),
    environment: {
      MILLRACE_TOKEN: token,
      CHAT_URL: model.url,
      CHAT_MODEL: "fake",
      PORT: port,
      // The same article is sent again and again, and each time the model is to be asked.
      MODEL_CACHE_TTL_SECONDS: "0",
    },
  });
}

function run(words: readonly string[], input?: string) {
  return runCommand(words, { folder: folder.path, environment, ...(input === undefined ? {} : { input }) });
}

describe("millrace process with a server on the folder", () => {
  it("lets the server do the work", async () => {
    await writeFile(join(folder.path, "Brücke.md"), `# Bridges\n\n${article}`);

    const end = await run(["process", "--json", "Brücke.md", "-"], article);

    expect(end.code).toBe(0);
    const results = readJsonLines(end.stdout).map((value) => processedSchema.parse(value));
    expect(results.map(({ document }) => document.file_name)).toEqual(["Brücke.md", null]);
    expect(results[0]?.analysis.summary.model).toBe("openai-compatible:fake");
    expect(end.stderr).toMatch(/Brücke\.md {2}text_extraction \d+ %/);
  });

  it("shows one progress over several files", async () => {
    await writeFile(join(folder.path, "one.txt"), article);
    await writeFile(join(folder.path, "empty.txt"), "");

    const end = await run(["process", "one.txt", "empty.txt"]);

    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/^1 of 2 files, \d+ %$/m);
    expect(end.stderr).toMatch(/^2 of 2 files, 100 %$/m);
  });

  it("makes a part again by another model, and lists what is alike", async () => {
    const [first] = readJsonLines(
      (await run(["process", "-q", "--json", "-"], article)).stdout.replaceAll("\n", ""),
    );
    const { document } = processedSchema.parse(first);
    await run(["process", "-q", "-"], `${article} That is all.`);

    const rerun = await run([
      ...["documents", "rerun", document.id],
      ...["--part", "topics", "--model", "builtin", "--wait", "--json"],
    ]);
    const refused = await run(["documents", "rerun", document.id, "--part", "topics", "--model", "gemini:x"]);
    const similar = await run(["documents", "similar", document.id, "--json"]);

    expect(rerun).toMatchObject({ code: 0, stderr: expect.stringContaining("by builtin:extractive-1") });
    expect(analysisSchema.shape.topics.parse(parseJson(rerun.stdout))).toMatchObject({
      state: "done",
      model: "builtin:extractive-1",
    });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("model_not_configured") });
    const { data, model } = similarDocumentsSchema.parse(parseJson(similar.stdout));
    expect(model).toBe("builtin:hashed-1");
    expect(data[0]?.score).toBeGreaterThan(0.8);
  });

  it("speaks to the server that MILLRACE_URL names, from any folder", async () => {
    await using elsewhere = await temporaryFolder();

    const end = await runCommand(["process", "-q", "--json"], {
      folder: elsewhere.path,
      input: article,
      environment: { MILLRACE_URL: server.url, MILLRACE_TOKEN: token },
    });

    expect(end).toMatchObject({ code: 0, stderr: "" });
  });

  it("reports the server's refusals with its codes", async () => {
    await writeFile(join(folder.path, "sheet.bin"), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0));
    await writeFile(join(folder.path, "nothing.txt"), "");

    const end = await run(["process", "-q", "sheet.bin", "nothing.txt"]);

    expect(end).toMatchObject({ code: 1, stdout: "" });
    expect(end.stderr).toContain("unsupported_file_type");
    expect(end.stderr).toContain("file_empty");
  });

  it("ends with 4 without the key", async () => {
    const end = await runCommand(["process", "-q"], { folder: folder.path, input: article });

    expect(end).toMatchObject({ code: 4, stdout: "" });
    expect(end.stderr).toContain("unauthorized");
  });

  it("ends with 1 when the server that was named does not answer", async () => {
    const environment = { MILLRACE_URL: "http://127.0.0.1:9" };
    const end = await runCommand(["process"], { folder: folder.path, input: article, environment });

    expect(end).toMatchObject({ code: 1, stdout: "" });
    expect(end.stderr).toContain("server_not_reachable");
  });

  it("leaves the work to the server with --detach and prints the id", async () => {
    const end = await run(["process", "--detach"], article);

    expect(end.code).toBe(0);
    const id = z.uuid().parse(end.stdout.trim());
    const found = await run(["documents", "get", id, "--json"]);
    expect(processedSchema.parse(parseJson(found.stdout)).document.id).toBe(id);
  });

  it("cancels the work on the server with Ctrl-C", async () => {
    model.setScript(() => ({ kind: "hold", barrier: "cancel" }));
    const before = model.calls.length;
    const command = startCommand(["process", "--title", "Held"], {
      folder: folder.path,
      input: article,
      environment,
    });
    await waitFor(() => model.calls.length > before, { describe: "a call of the model" });

    command.process.kill("SIGINT");
    const end = await command.end;
    model.setScript([]);

    expect(end).toMatchObject({ code: 130, stdout: "" });
    const held = await waitFor(() => findDocument("Held", "cancelled"), {
      describe: "the cancelled document",
    });
    expect(held.status).toBe("cancelled");
  });

  it("leaves the work going when --timeout is over", async () => {
    model.setScript(() => ({ kind: "hold", barrier: "time" }));

    const end = await run(["process", "-q", "--timeout", "4", "--title", "Slow"], article);
    model.setScript([]);
    model.release("time");

    expect(end).toMatchObject({ code: 5, stdout: "" });
    const slow = await waitFor(() => findDocument("Slow", "completed"), {
      describe: "the end of the work",
    });
    expect(end.stderr).toContain(slow.id);
  });

  it("goes on following after the server was killed and came back", async () => {
    const before = model.calls.length;
    model.setScript(() => ({ kind: "hold", barrier: "kill" }));
    const command = startCommand(["process", "--json"], { folder: folder.path, input: article, environment });
    await waitFor(() => model.calls.length > before, { describe: "a call of the model" });

    const { port } = new URL(server.url);
    await server.kill9();
    model.setScript([]);
    server = await startServer(port);
    const end = await command.end;

    expect(end.code).toBe(0);
    expect(processedSchema.parse(parseJson(end.stdout)).document.status).toBe("completed");
  });
});

async function findDocument(title: string, status: string) {
  const end = await run(["documents", "ls", "--search", title, "--json"]);
  const documents = z.array(documentSchema).parse(parseJson(end.stdout));
  return documents.find((document) => document.status === status);
}

describe("commands that ask the server", () => {
  it("list, show and delete documents", async () => {
    const made = await run(["process", "-q", "--json", "--title", "To be\tdeleted \u001b[31m"], article);
    const { id } = processedSchema.parse(parseJson(made.stdout)).document;

    const listed = await run(["documents", "ls", "--limit", "1"]);
    expect(listed.stdout).toMatch(
      new RegExp(`^${id}\tcompleted\ttext\t\\d+ B\t[\\d -:]+\tTo be deleted \\[31m\n$`),
    );

    const asked = await run(["documents", "rm", id], "");
    expect(asked.code).toBe(2);
    const removed = await run(["documents", "rm", "--yes", id]);
    expect(removed.code).toBe(0);
    const gone = await run(["documents", "get", id]);
    expect(gone).toMatchObject({ code: 3, stdout: "" });
    expect(gone.stderr).toContain("document_not_found");
  });

  it("list, show and cancel jobs, and read what they logged", async () => {
    await run(["process", "-q"], article);

    const listed = await run(["jobs", "ls", "--limit", "1", "--json"]);
    const [job] = z.array(jobSchema).parse(parseJson(listed.stdout));
    const shown = await run(["jobs", "get", job!.id, "--json"]);
    expect(jobDetailSchema.parse(parseJson(shown.stdout)).attempts).toHaveLength(1);
    const logs = await run(["jobs", "logs", job!.id, "--json"]);
    expect(z.array(logLineSchema).parse(parseJson(logs.stdout)).length).toBeGreaterThan(0);
    const cancelled = await run(["jobs", "cancel", job!.id]);
    expect(cancelled.code).toBe(1);
    expect(cancelled.stderr).toContain("already_finished");
  });

  it("find passages", async () => {
    await run(["process", "-q", "--title", "Bridge"], article);

    const end = await run(["search", "light", "arches", "--json"]);

    expect(searchResultSchema.parse(parseJson(end.stdout)).data.length).toBeGreaterThan(0);
  });

  it("print the description of the API", async () => {
    const end = await run(["openapi"]);

    expect(parseJson(end.stdout)).toMatchObject({ openapi: "3.1.0" });
  });

  it("say that all is well", async () => {
    const end = await run(["doctor", "--json"]);

    expect(end.code).toBe(0);
    expect(end.stdout).toContain(server.url);
  });
});

describe("without a server", () => {
  it("commands that need one end with 1 and say how to start it", async () => {
    await using empty = await temporaryFolder();

    const end = await runCommand(["documents", "ls"], { folder: empty.path });

    expect(end).toMatchObject({ code: 1, stdout: "" });
    expect(end.stderr).toContain("no_server");
  });

  it("doctor ends with 1 for settings that can't be used and names them", async () => {
    await using empty = await temporaryFolder();

    const end = await runCommand(["doctor"], { folder: empty.path, environment: { PORT: "many" } });

    expect(end.code).toBe(1);
    expect(end.stdout).toMatch(/problem +settings[^]*PORT/);
  });

  it("doctor tells of a data folder that can't be used beside all else", async () => {
    await using empty = await temporaryFolder();
    await writeFile(join(empty.path, "data"), "a file");

    const end = await runCommand(["doctor"], { folder: empty.path });

    expect(end.code).toBe(1);
    expect(end.stdout).toMatch(/problem +data folder/);
    expect(end.stdout).toMatch(/warning +models/);
  });

  it("process waits for whoever has the folder, and goes on when it is free", async () => {
    await using locked = await temporaryFolder({ hasDatabase: true });
    const lock = lockFolder(join(locked.path, "data"));
    const command = startCommand(["process", "--json"], { folder: locked.path, input: article });
    await waitFor(() => command.said().includes("Waiting for the process"), {
      describe: "the wait",
    });

    lock.release();
    const end = await command.end;

    expect(end.code).toBe(0);
  });

  it("process fails when the folder does not become free", async () => {
    await using locked = await temporaryFolder();
    const lock = lockFolder(join(locked.path, "data"));

    const end = await runCommand(["process", "-q"], { folder: locked.path, input: article });
    lock.release();

    expect(end).toMatchObject({ code: 1, stdout: "" });
    expect(end.stderr).toContain("data_folder_in_use");
  });

  it("an announcement that a killed server left behind misleads nobody", async () => {
    await using stale = await temporaryFolder({ hasDatabase: true });
    const lock = lockFolder(join(stale.path, "data"));
    lock.release();
    await writeFile(join(stale.path, "data", "process.json"), JSON.stringify({ pid: 1, url: server.url }));

    const end = await runCommand(["process", "-q", "--json"], { folder: stale.path, input: article });

    expect(processedSchema.parse(parseJson(end.stdout)).analysis.summary.extractive).toBe(true);
  });
});
