import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { StopError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { buildDocx, paragraph } from "./builders/docx.ts";
import { endlessPdf } from "./builders/pdf.ts";
import { openWorkspace } from "./workspace.ts";

/** Resolves when the first page is read, that is, while the second one spins without end. */
function firstPage(): { readonly read: Promise<void>; readonly onProgress: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { read: promise, onProgress: () => resolve() };
}

describe("limits", () => {
  it("kills a child that takes too long, and says so after the second method failed as well", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("endless.pdf", endlessPdf());

    const extraction = workspace
      .createExtractor({ timeoutMs: 1_500, memoryBytes: 400_000_000 })
      .extract({ path, fileName: "endless.pdf" });

    await expect(extraction).rejects.toMatchObject({
      code: "extraction_limit_time",
      retryable: false,
      details: { methods: ["pdfjs", "pdfium"] },
    });
    expect(await workspace.leftovers()).toEqual({ folders: [], processes: [] });
  });

  it("kills a child that takes too much memory", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("large.txt", "a".repeat(100_000_000));

    const extraction = workspace
      .createExtractor({ memoryBytes: 150_000_000 })
      .extract({ path, fileName: "large.txt" });

    await expect(extraction).rejects.toMatchObject({ code: "extraction_limit_memory", retryable: false });
    expect(await workspace.leftovers()).toEqual({ folders: [], processes: [] });
  });

  it("reads with the second method, in a fresh child, what exhausts the memory of the first", async () => {
    const workspace = await openWorkspace();
    const body = paragraph("x").repeat(500_000);
    const path = await workspace.write("paragraphs.docx", buildDocx({ body }));

    const extracted = await workspace
      .createExtractor({ memoryBytes: 350_000_000 })
      .extract({ path, fileName: "paragraphs.docx" });

    expect(extracted.method).toBe("docx-walker");
    expect(extracted.text.split("\n\n")).toHaveLength(500_000);
  });

  it("refuses an archive that declares more than is allowed, before unpacking", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "bomb.docx",
      buildDocx({ body: paragraph("x"), declaredSize: 0xf000_0000 }),
    );

    const extraction = workspace.createExtractor().extract({ path, fileName: "bomb.docx" });

    await expect(extraction).rejects.toMatchObject({ code: "extraction_limit_size", retryable: false });
  });

  it("refuses an archive that unpacks to more than it declares", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "lying.docx",
      buildDocx({ body: paragraph("x".repeat(30_000_000)), declaredSize: 100 }),
    );

    const extraction = workspace
      .createExtractor({ memoryBytes: 200_000_000 })
      .extract({ path, fileName: "lying.docx" });

    await expect(extraction).rejects.toMatchObject({ code: "file_damaged" });
  });

  it("refuses a document nested beyond every real one", async () => {
    const workspace = await openWorkspace();
    const body = `${"<w:sdt>".repeat(200_000)}${"</w:sdt>".repeat(200_000)}`;
    const path = await workspace.write("nested.docx", buildDocx({ body }));

    const extraction = workspace.createExtractor().extract({ path, fileName: "nested.docx" });

    await expect(extraction).rejects.toMatchObject({ code: "extraction_limit_size" });
  });
});

describe("cancelling and crashing", () => {
  it("kills the child when the caller aborts, and rejects with the caller's reason", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("endless.pdf", endlessPdf());
    const abort = new AbortController();
    const reason = new StopError("cancelled", "The reader changed their mind.");
    const page = firstPage();
    const extraction = workspace
      .createExtractor()
      .extract({ path, fileName: null, signal: abort.signal, onProgress: page.onProgress });

    await page.read;
    abort.abort(reason);

    await expect(extraction).rejects.toBe(reason);
    expect(await workspace.leftovers()).toEqual({ folders: [], processes: [] });
  });

  it("does not start when the signal is aborted already", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("a.txt", "text");
    const reason = new StopError("cancelled", "Too late.");

    const extraction = workspace
      .createExtractor()
      .extract({ path, fileName: null, signal: AbortSignal.abort(reason) });

    await expect(extraction).rejects.toBe(reason);
  });

  it("kills what runs when it stops, and refuses more", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("endless.pdf", endlessPdf());
    const extractor = workspace.createExtractor();
    const page = firstPage();
    const extraction = extractor.extract({ path, fileName: null, onProgress: page.onProgress });
    const outcome = extraction.catch((error: unknown) => error);

    await page.read;
    await extractor.stop();

    expect(await outcome).toMatchObject({ reason: "shutdown" });
    await expect(extractor.extract({ path, fileName: null })).rejects.toMatchObject({
      code: "extractor_stopped",
    });
    expect(await workspace.leftovers()).toEqual({ folders: [], processes: [] });
  });

  it("calls a child killed from outside a crash worth another try", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("endless.pdf", endlessPdf());
    const page = firstPage();
    const extraction = workspace
      .createExtractor()
      .extract({ path, fileName: null, onProgress: page.onProgress });
    const outcome = extraction.catch((error: unknown) => error);

    await page.read;
    for (const id of await workspace.childIds()) process.kill(id, "SIGKILL");

    expect(await outcome).toMatchObject({ code: "extraction_crashed", retryable: true });
  });

  it("lets a waiting request leave when it is aborted, and serves the next", async () => {
    const workspace = await openWorkspace();
    const endless = await workspace.write("endless.pdf", endlessPdf());
    const path = await workspace.write("a.txt", "The text of the next one.");
    const extractor = workspace.createExtractor({ concurrency: 1 });
    const first = new AbortController();
    const second = new AbortController();
    const page = firstPage();
    const running = extractor.extract({
      path: endless,
      fileName: null,
      signal: first.signal,
      onProgress: page.onProgress,
    });
    await page.read;
    const waiting = extractor.extract({ path, fileName: null, signal: second.signal });
    const next = extractor.extract({ path, fileName: null });

    second.abort(new StopError("cancelled", "Left the queue."));
    await expect(waiting).rejects.toMatchObject({ reason: "cancelled" });
    first.abort(new StopError("cancelled", "Made room."));

    await expect(running).rejects.toMatchObject({ reason: "cancelled" });
    expect((await next).text).toBe("The text of the next one.");
  });

  it("leaves no process and no folder when the server is killed while a child spins", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("endless.pdf", endlessPdf());
    const entry = fileURLToPath(new URL("extract-forever.ts", import.meta.url));
    const server = spawn(process.execPath, [entry, workspace.tempDirectory, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });

    await once(server.stdout, "data");
    expect(await workspace.childIds()).toHaveLength(1);
    server.kill("SIGKILL");

    await expect.poll(() => workspace.leftovers()).toEqual({ folders: [], processes: [] });
  });

  it("leaves no process and no folder when the server is killed while a child starts", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("endless.pdf", endlessPdf());
    const entry = fileURLToPath(new URL("extract-forever.ts", import.meta.url));
    const server = spawn(process.execPath, [entry, workspace.tempDirectory, path], { stdio: "ignore" });

    await expect.poll(() => workspace.childIds(), { interval: 5 }).toHaveLength(1);
    server.kill("SIGKILL");

    await expect.poll(() => workspace.leftovers()).toEqual({ folders: [], processes: [] });
  });
});

describe("warm children", () => {
  it("reads the next file with the same child", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("a.txt", "Some text.");
    const extractor = workspace.createExtractor();
    await extractor.extract({ path, fileName: null });
    const before = await workspace.childIds();

    await extractor.extract({ path, fileName: null });

    expect(await workspace.childIds()).toEqual(before);
    expect(before).toHaveLength(1);
  });

  it("replaces a child after the agreed number of files", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("a.txt", "Some text.");
    const extractor = workspace.createExtractor({ recycleAfter: 2 });
    await extractor.extract({ path, fileName: null });
    const before = await workspace.childIds();

    await extractor.extract({ path, fileName: null });

    expect(await workspace.childIds()).toEqual([]);
    await extractor.extract({ path, fileName: null });
    expect(await workspace.childIds()).not.toEqual(before);
  });

  it("gives children neither the environment nor the right to write elsewhere", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("a.txt", "Some text.");
    const extractor = workspace.createExtractor();
    await extractor.extract({ path, fileName: null });
    const [id] = await workspace.childIds();

    const environment = await readFile(`/proc/${id}/environ`, "utf8");
    const command = await readFile(`/proc/${id}/cmdline`, "utf8");

    expect(
      environment
        .split("\0")
        .map((entry) => entry.split("=")[0])
        .filter((name) => name !== ""),
    ).toEqual(expect.arrayContaining(["PATH", "NODE_CHANNEL_FD"]));
    expect(environment).not.toContain("HOME=");
    expect(command.split("\0")).toContain("--permission");
  });

  it("starts twice and stops twice without harm, and stops before it starts", async () => {
    const workspace = await openWorkspace();
    const extractor = workspace.createExtractor();
    const never = workspace.createExtractor();

    await Promise.all([extractor.start(), extractor.start()]);
    await Promise.all([extractor.stop(), extractor.stop(), never.stop()]);

    expect(await readdir(workspace.tempDirectory)).toEqual([]);
  });
});
