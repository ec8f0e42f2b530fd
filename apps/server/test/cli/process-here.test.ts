import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseJson } from "@millrace/kernel";
import { prepareDatabase, startFakeModelServer, waitFor } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programFolder } from "../program/program-folder.ts";
import { processedSchema, readJsonLines, runCommand, startCommand, temporaryFolder } from "./command.ts";

const article =
  "The new library opened on Monday. Visitors loved the bright reading rooms and the friendly staff. " +
  "Some complained about the slow lifts. The city plans two more libraries for next year.";

/** A program whose schedule leaves a file behind, a second after somebody begins to run its jobs. */
const ticking = `export default { schedules: [{ name: "tick", task: "tests.tick", everyMs: 1000 }] };`;
const tick = `import { writeFileSync } from "node:fs";
import { defineTask, handleTask, z } from "millrace";

const task = defineTask({ name: "tests.tick", input: z.object({}), output: z.null() });
export const handler = handleTask({
  task,
  run: async () => {
    writeFileSync("ticked", "");
    return null;
  },
});
`;

/** One folder for all: opening a fresh database takes longer than everything else here. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

describe("millrace process without a server", () => {
  it("processes standard input and prints a result without colours, and progress apart from it", async () => {
    const end = await runCommand(["process"], { folder: folder.path, input: article });

    expect(end.code).toBe(0);
    expect(end.stdout).toMatch(/^The new library opened on Monday\./);
    expect(end.stdout).toContain("sentences taken from the text");
    expect(end.stdout).toMatch(/Key points\n {2}• /);
    expect(end.stdout + end.stderr).not.toContain("\u001b");
    expect(end.stderr).toMatch(/standard input {2}text_extraction \d+ % {2}/);
  });

  it("prints one JSON object for one file, and says nothing with --quiet", async () => {
    await writeFile(join(folder.path, "Prüfung 報告.md"), `# Libraries\n\n${article}`);

    const words = ["process", "Prüfung 報告.md", "--json", "--quiet", "--title", "My title"];
    const end = await runCommand(words, { folder: folder.path });

    expect(end).toMatchObject({ code: 0, stderr: "" });
    const { document, analysis } = processedSchema.parse(parseJson(end.stdout));
    expect(document).toMatchObject({
      title: "My title",
      file_name: "Prüfung 報告.md",
      file_type: "markdown",
      status: "completed",
    });
    expect(analysis.summary.result?.text).toContain("library");
  });

  it("gives several results in the given order and reports what it can't take without stopping", async () => {
    await mkdir(join(folder.path, "sub"), { recursive: true });
    await writeFile(join(folder.path, "first.txt"), article.repeat(60));
    await writeFile(join(folder.path, "second.txt"), article);
    await writeFile(join(folder.path, "empty.txt"), "");
    await writeFile(join(folder.path, "program.bin"), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0));

    const files = ["first.txt", "empty.txt", "sub", "program.bin", "missing.txt", "-", "second.txt"];
    const end = await runCommand(["process", "--json", "--quiet", ...files], {
      folder: folder.path,
      input: article,
    });

    const results = readJsonLines(end.stdout).map((value) => processedSchema.parse(value));
    expect(results.map(({ document }) => document.file_name)).toEqual(["first.txt", null, "second.txt"]);
    expect(end.stderr).toContain("file_empty");
    expect(end.stderr).toContain("folder_given");
    expect(end.stderr).toContain("unsupported_file_type");
    expect(end.stderr).toContain("file_not_found");
    expect(end.code).toBe(3);
  });

  it("takes a file from a pipe for what its bytes are", async () => {
    const page = `<!doctype html><html lang="en"><title>x</title><body><p>${article}</p></body></html>`;

    const end = await runCommand(["process", "-", "--json", "-q"], { folder: folder.path, input: page });

    const { document } = processedSchema.parse(parseJson(end.stdout));
    expect(document).toMatchObject({
      file_name: "standard-input.html",
      file_type: "html",
      status: "completed",
    });
  });

  it("ends with 6 and says why when a document can't be read", async () => {
    await writeFile(join(folder.path, "broken.pdf"), "%PDF-1.7\nthis is not the rest of one");

    const end = await runCommand(["process", "broken.pdf", "--json", "-q"], { folder: folder.path });

    expect(end.code).toBe(6);
    const { document } = processedSchema.parse(parseJson(end.stdout));
    expect(document.status).toBe("failed");
    expect(end.stderr).toContain(document.processing_error_code);
  });

  it("ends with 6 when only a part of the analysis failed, and shows the rest", async () => {
    const others = {
      summary: { text: "A summary." },
      key_points: { points: ["A point."] },
      topics: { topics: ["a topic"] },
    };
    await using model = await startFake((purpose) => {
      if (purpose === "document.sentiment") return { kind: "unauthorized" };
      return purpose === "document.analysis"
        ? { kind: "answer", content: JSON.stringify(others) }
        : undefined;
    });

    const end = await runCommand(["process", "-q"], {
      folder: folder.path,
      input: article,
      environment: { CHAT_URL: model.url, CHAT_MODEL: "fake" },
    });

    expect(end.code).toBe(6);
    expect(end.stdout).toMatch(/partial, id /);
    expect(end.stdout).toMatch(/Sentiment\n {2}Failed: /);
    expect(end.stdout).toMatch(/by openai-compatible:fake/);
    expect(end.stderr).toMatch(/sentiment failed/);
  });

  it("cancels the job with Ctrl-C, ends with 130 and leaves the folder free", async () => {
    await using model = await startFake(() => ({ kind: "hold", barrier: "never" }));
    const environment = { CHAT_URL: model.url, CHAT_MODEL: "fake" };
    const command = startCommand(["process", "--json"], { folder: folder.path, input: article, environment });
    await waitFor(() => model.calls.length > 0, { describe: "a call of the model", timeoutMs: 40_000 });

    command.process.kill("SIGINT");
    const end = await command.end;

    expect(end).toMatchObject({ code: 130, stdout: "" });
    const after = await runCommand(["doctor", "--json"], { folder: folder.path });
    expect(after.stdout).toContain("in use by nobody");
  });

  it("gives up with 5 when --timeout is over", async () => {
    await using model = await startFake(() => ({ kind: "hold", barrier: "never" }));
    const environment = { CHAT_URL: model.url, CHAT_MODEL: "fake" };

    const words = ["process", "--timeout", "6", "-q"];
    const end = await runCommand(words, { folder: folder.path, input: article, environment });

    expect(end).toMatchObject({ code: 5, stdout: "" });
    expect(end.stderr).toContain("wait_timed_out");
  });

  it.each([
    ["an unknown option", ["process", "--nope"]],
    ["standard input twice", ["process", "-", "-"]],
    ["a title for several files", ["process", "a.txt", "b.txt", "--title", "x"]],
    ["a title without a character", ["process", "a.txt", "--title", " "]],
    ["a time that is none", ["process", "a.txt", "--timeout", "soon"]],
    ["leaving the work to nobody", ["process", "-", "--detach"]],
  ])("ends with 2 for %s", async (_what, words) => {
    const end = await runCommand(words, { folder: folder.path, input: article });

    expect(end).toMatchObject({ code: 2, stdout: "" });
  });

  it("goes on with what waits in the folder by the program that is there", async () => {
    await using other = await programFolder({ "millrace.config.ts": ticking, "tasks/tick.ts": tick });
    await prepareDatabase(join(other.path, "data"));

    const end = await runCommand(["process", "-q", "-"], { folder: other.path, input: article.repeat(200) });

    expect(end.code, end.stderr).toBe(0);
    expect(existsSync(join(other.path, "ticked"))).toBe(true);
  });

  it("leaves the program of the folder alone when only the API is described", async () => {
    await using other = await programFolder({ "millrace.config.ts": ticking, "tasks/tick.ts": tick });

    const end = await runCommand(["openapi"], { folder: other.path });

    expect(end.code, end.stderr).toBe(0);
    expect(parseJson(end.stdout)).toMatchObject({ openapi: "3.1.0" });
    expect(existsSync(join(other.path, "ticked"))).toBe(false);
  });

  it("ends with 1 where a database is named and no server: those may be anywhere", async () => {
    const environment = { DATABASE_URL: "postgres://127.0.0.1:1/none" };
    const end = await runCommand(["process"], { folder: folder.path, input: article, environment });

    expect(end).toMatchObject({ code: 1, stdout: "" });
    expect(end.stderr).toContain("no_server");
  });

  it("ends with 2 for settings that can't be used", async () => {
    const environment = { PORT: "many", MAX_UPLOAD_BYTES: "none" };
    const end = await runCommand(["process"], { folder: folder.path, input: article, environment });

    expect(end).toMatchObject({ code: 2, stdout: "" });
  });

  it("does not open the database when there is nothing to process", async () => {
    await using other = await temporaryFolder();

    const end = await runCommand(["process", `${"x".repeat(5000)}.txt`, "missing.pdf"], {
      folder: other.path,
    });

    expect(end).toMatchObject({ code: 3, stdout: "" });
    expect(end.stderr.length).toBeLessThan(1000);
  });
});

async function startFake(
  script: (
    purpose: string | undefined,
  ) =>
    | { kind: "answer"; content: string }
    | { kind: "unauthorized" }
    | { kind: "hold"; barrier: string }
    | undefined,
) {
  const server = await startFakeModelServer({
    port: 0,
    script: (call) => (call.kind === "chat" ? script(call.purpose) : undefined),
  });
  return { url: server.url, calls: server.calls, [Symbol.asyncDispose]: () => server.stop() };
}
