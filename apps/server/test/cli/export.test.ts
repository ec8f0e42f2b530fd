import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportedDocumentSchema, jobSchema, searchResultSchema } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import { startMillrace, waitFor } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { processedSchema, readJsonLines, runCommand, startCommand, temporaryFolder } from "./command.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ids: string[];
beforeAll(async () => {
  folder = await temporaryFolder({ hasDatabase: true });
  await writeFile(join(folder.path, "mill.txt"), "The old mill grinds well. Its bread is wonderful.");
  await writeFile(join(folder.path, "night.md"), "# =cmd\n\nThe river rose over the sluice in the night.");
  const words = ["process", "-q", "--json", "mill.txt", "night.md"];
  const { stdout } = await runCommand(words, { folder: folder.path });
  ids = readJsonLines(stdout).map((value) => processedSchema.parse(value).document.id);
});
afterAll(() => folder[Symbol.asyncDispose]());

const run = (...words: string[]) => runCommand(["documents", "export", ...words], { folder: folder.path });
const exportedSchema = z.array(exportedDocumentSchema);

describe("millrace documents export without a server", () => {
  it("prints all as JSON, newest first", async () => {
    const end = await run();

    expect(end).toMatchObject({ code: 0, stderr: "" });
    const exported = exportedSchema.parse(parseJson(end.stdout));
    expect(exported.map(({ document }) => document.id).toSorted()).toEqual(ids.toSorted());
    expect(exported.find(({ document }) => document.id === ids[0])?.text).toContain("grinds well");
  });

  it("takes the format from the name of the file, and has the stored files in a zip when asked", async () => {
    const end = await run("-o", "all.zip", "--originals");

    expect(end).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const bytes = await readFile(join(folder.path, "all.zip"));
    expect(bytes.subarray(0, 4).toString("latin1")).toBe("PK\u0003\u0004");
    for (const name of ["mill.md", "mill.json", "originals/mill.txt", "originals/=cmd.md"]) {
      expect(bytes.includes(name), name).toBe(true);
    }
  });

  it("writes what was named only", async () => {
    const end = await run(ids[0] ?? "", "--format", "markdown");

    expect(end.stdout).toMatch(/^# mill\.txt\n/);
    expect(end.stdout).not.toContain("river");
  });

  it("leaves a file as it was when nothing came", async () => {
    await writeFile(join(folder.path, "kept.json"), "former");

    const end = await run("0199aaaa-0000-7000-8000-000000000001", "-o", "kept.json");

    expect(end.code).toBe(3);
    expect(end.stderr).toContain("document_not_found");
    expect(await readFile(join(folder.path, "kept.json"), "utf8")).toBe("former");
    expect((await readdir(folder.path)).filter((name) => name.includes("unfinished"))).toEqual([]);
  });

  it.each([
    { words: ["--format", "pdf"], code: 2 },
    { words: ["--format", "csv", "--originals"], code: 2 },
    { words: ["--json", "--format", "zip"], code: 2 },
    { words: ["-o", "no/such/folder/all.csv"], code: 1 },
  ])("ends with $code for $words", async ({ words, code }) => {
    const end = await run(...words);

    expect(end).toMatchObject({ code, stdout: "" });
    expect(end.stderr).not.toBe("");
  });
});

describe("the data folder without a server", () => {
  it("can be searched, and its jobs are listed", async () => {
    const found = await runCommand(["search", "sluice", "--json"], { folder: folder.path });
    const jobs = await runCommand(["jobs", "ls", "--json"], { folder: folder.path });

    expect(searchResultSchema.parse(parseJson(found.stdout)).data[0]?.document_id).toBe(ids[1]);
    expect(
      z
        .array(jobSchema)
        .parse(parseJson(jobs.stdout))
        .map(({ state }) => state),
    ).toContain("succeeded");
  });
});

describe("millrace documents rm", () => {
  it("asks before it deletes, and says so where there is no trash", async () => {
    const words = ["documents", "rm", ids[0] ?? ""];

    const toTrash = await runCommand(words, { folder: folder.path });
    const forGood = await runCommand(words, { folder: folder.path, environment: { TRASH_DAYS: "0" } });

    expect(toTrash).toMatchObject({ code: 2, stderr: expect.stringContaining("to the trash?") });
    expect(forGood).toMatchObject({ code: 2, stderr: expect.stringContaining("for good?") });
  });
});

describe("millrace documents trash", () => {
  it("asks only where there is no trash", async () => {
    const environment = { TRASH_DAYS: "0" };
    const words = ["documents", "trash", "0199aaaa-0000-7000-8000-000000000001"];

    const asked = await runCommand(words, { folder: folder.path, environment });
    const told = await runCommand([...words, "--yes"], { folder: folder.path, environment });
    const toTrash = await runCommand(words, { folder: folder.path });

    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining("for good?") });
    for (const { code, stderr } of [told, toTrash])
      expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining("1 failed") });
  });
});

describe("a server that is just starting", () => {
  it("is waited for by commands that need one", { timeout: 120_000 }, async () => {
    const server = startCommand(["start"], { folder: folder.path, environment: { PORT: "0" } });
    try {
      const holder = join(folder.path, "data", "process.json");
      await waitFor(() => existsSync(holder), {
        describe: "the server to hold the folder",
        timeoutMs: 50_000,
      });

      const end = await runCommand(["tasks", "ls", "--json"], { folder: folder.path });

      expect(end, end.stderr).toMatchObject({ code: 0 });
      expect(end.stdout).toContain("documents.process_document");
    } finally {
      server.process.kill("SIGTERM");
      await server.end;
    }
  });
});

describe("millrace documents export with a server on the folder", () => {
  it("asks the server", async () => {
    const server = await startMillrace({ dataDirectory: join(folder.path, "data") });
    try {
      const end = await run("--format", "jsonl", "--search", "cmd");

      expect(end).toMatchObject({ code: 0, stderr: "" });
      expect(readJsonLines(end.stdout)).toMatchObject([{ document: { id: ids[1] } }]);
    } finally {
      await server.stop();
    }
  });
});
