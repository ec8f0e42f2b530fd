import { chmod } from "node:fs/promises";
import { silentLogger, StopError } from "@millrace/kernel";
import { afterEach, describe, expect, it } from "vitest";
import { createRecogniser } from "../src/index.ts";
import type { Recogniser } from "../src/index.ts";
import { chooseEngine } from "../src/ocr-engine.ts";
import { ocrSettings } from "../src/settings.ts";
import { drawLines, toPng, toScan, toTiff } from "./builders/picture.ts";
import { buildPdf } from "./builders/pdf.ts";
import { openWorkspace } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

const sentence = "The mill race carries water from the weir to the wheel.";
const other = "Another page says that the gates are closed at night.";
const opened: Recogniser[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((recogniser) => recogniser.stop()));
});

function recogniserIn(workspace: Workspace, settings: Record<string, string> = {}): Recogniser {
  const recogniser = createRecogniser({
    logger: silentLogger,
    tempDirectory: workspace.tempDirectory,
    settings: ocrSettings.schema.parse({ OCR_ENGINE: "builtin", ...settings }),
  });
  opened.push(recogniser);
  return recogniser;
}

const signal = new AbortController().signal;

describe("pages without text", () => {
  it("are named, for a scan only when the caller has them recognised", async () => {
    const workspace = await openWorkspace();
    const picture = await drawLines(workspace.root, [sentence]);
    const path = await workspace.write("scan.pdf", toScan([picture, picture]));
    const extractor = workspace.createExtractor();

    const extracted = await extractor.extract({ path, fileName: "scan.pdf", allowsPictures: true });

    expect(extracted).toMatchObject({ fileType: "pdf", pagesWithoutText: [1, 2] });
    await expect(extractor.extract({ path, fileName: "scan.pdf" })).rejects.toMatchObject({
      code: "no_text_found",
    });
  });

  it("are all pages of a picture", async () => {
    const workspace = await openWorkspace();
    const picture = await drawLines(workspace.root, [sentence]);
    const path = await workspace.write("scan.tif", toTiff([picture, picture, picture]));

    const extracted = await workspace
      .createExtractor()
      .extract({ path, fileName: "scan.tif", allowsPictures: true });

    expect(extracted).toMatchObject({
      fileType: "image",
      text: expect.any(String),
      pagesWithoutText: [1, 2, 3],
    });
  });
});

describe("recognition with the built-in engine", () => {
  it("reads a page of a scanned PDF, and the next with the same child", async () => {
    const workspace = await openWorkspace();
    const pictures = [await drawLines(workspace.root, [sentence]), await drawLines(workspace.root, [other])];
    const path = await workspace.write("scan.pdf", toScan(pictures));
    const recogniser = recogniserIn(workspace);

    const first = await recogniser.recognisePage({ path, fileType: "pdf", page: 1, signal });
    const before = await workspace.childIds();
    const second = await recogniser.recognisePage({ path, fileType: "pdf", page: 2, signal });

    expect(first).toMatchObject({ text: sentence, engine: "tesseract.js" });
    expect(first.confidence).toBeGreaterThan(80);
    expect(second.text).toBe(other);
    expect(await workspace.childIds()).toEqual(before);
  });

  it("reads a PNG", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("page.png", toPng(await drawLines(workspace.root, [sentence])));

    const page = await recogniserIn(workspace).recognisePage({ path, fileType: "image", page: 1, signal });

    expect(page.text).toBe(sentence);
  });

  it("reads each page of a TIFF", async () => {
    const workspace = await openWorkspace();
    const pictures = [await drawLines(workspace.root, [sentence]), await drawLines(workspace.root, [other])];
    const path = await workspace.write("pages.tif", toTiff(pictures));

    const page = await recogniserIn(workspace).recognisePage({ path, fileType: "image", page: 2, signal });

    expect(page.text).toBe(other);
  });

  it("finds nothing on a blank page, and is sure of it", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("blank.pdf", buildPdf({ pages: [{ operators: "" }] }));

    const page = await recogniserIn(workspace).recognisePage({ path, fileType: "pdf", page: 1, signal });

    expect(page).toMatchObject({ text: "", confidence: 100 });
  });

  it("refuses a picture that claims more pixels than allowed, before it is decoded", async () => {
    const workspace = await openWorkspace();
    const png = toPng({ width: 10, height: 10, pixels: new Uint8Array(100) });
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    const path = await workspace.write("huge.png", png);

    const page = recogniserIn(workspace).recognisePage({ path, fileType: "image", page: 1, signal });

    await expect(page).rejects.toMatchObject({ code: "extraction_limit_size" });
  });

  it("says that a picture is damaged, and reads the next one", async () => {
    const workspace = await openWorkspace();
    const picture = toPng(await drawLines(workspace.root, [sentence]));
    const cut = await workspace.write("cut.png", picture.subarray(0, 60));
    const whole = await workspace.write("whole.png", picture);
    const recogniser = recogniserIn(workspace);

    const damaged = recogniser.recognisePage({ path: cut, fileType: "image", page: 1, signal });

    await expect(damaged).rejects.toMatchObject({ code: "file_damaged" });
    const page = await recogniser.recognisePage({ path: whole, fileType: "image", page: 1, signal });
    expect(page.text).toBe(sentence);
  });

  it("ends with the caller's reason when it is aborted, and leaves no process", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("page.png", toPng(await drawLines(workspace.root, [sentence])));
    const abort = new AbortController();
    const reason = new StopError("cancelled", "The reader changed their mind.");
    const page = recogniserIn(workspace).recognisePage({
      path,
      fileType: "image",
      page: 1,
      signal: abort.signal,
    });

    abort.abort(reason);

    await expect(page).rejects.toBe(reason);
  });

  it("says which language is missing", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("page.png", toPng(await drawLines(workspace.root, [sentence])));
    const recogniser = recogniserIn(workspace, { OCR_LANGUAGES: "eng+tlh" });

    const page = recogniser.recognisePage({ path, fileType: "image", page: 1, signal });

    await expect(page).rejects.toMatchObject({
      code: "ocr_language_missing",
      details: { languages: ["tlh"] },
    });
  });
});

describe("the system's program", () => {
  const settings = (engine: string) => ocrSettings.schema.parse({ OCR_ENGINE: engine });

  it("is used where it has the languages, and not where it is switched off", async () => {
    const workspace = await openWorkspace();
    const program = await workspace.write(
      "tesseract",
      "#!/bin/sh\nprintf 'List of languages (1):\\neng\\n'\n",
    );
    await chmod(program, 0o755);

    expect(await chooseEngine(settings("auto"), [program])).toMatchObject({ program, hasData: true });
    expect(await chooseEngine(settings("builtin"), [program])).toMatchObject({ program: undefined });
  });

  it("is not used where it lacks a language or is not there", async () => {
    const workspace = await openWorkspace();
    const program = await workspace.write("tesseract", "#!/bin/sh\necho deu\n");
    await chmod(program, 0o755);

    expect(await chooseEngine(settings("auto"), [program, "/nowhere/tesseract"])).toMatchObject({
      program: undefined,
      languages: [{ code: "eng", path: expect.stringMatching(/best_int/) }],
    });
    await expect(chooseEngine(settings("system"), [program])).rejects.toMatchObject({
      code: "ocr_language_missing",
    });
  });
});
