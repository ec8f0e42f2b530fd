import { chmod, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { silentLogger } from "@millrace/kernel";
import { afterEach, describe, expect, it } from "vitest";
import { createRecogniser } from "../src/index.ts";
import type { Recogniser } from "../src/index.ts";
import { ocrSettings } from "../src/settings.ts";
import { drawLines, toPng } from "./builders/picture.ts";
import { openWorkspace } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

const sentence = "The mill race carries water from the weir to the wheel.";
const square = toPng({ width: 10, height: 10, pixels: new Uint8Array(100) });
/** Nobody has data of this language: what the program can't read nobody else reads. */
const klingon = { OCR_LANGUAGES: "tlh" };
const signal = new AbortController().signal;
const opened: Recogniser[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((recogniser) => recogniser.stop()));
});

/** A script in the place of `tesseract`, which has two languages and does as given with a picture. */
async function recogniserWith(
  workspace: Workspace,
  script: string,
  options: { readonly settings?: Record<string, string>; readonly pageTimeoutMs?: number } = {},
): Promise<Recogniser> {
  const listing = `if [ "$1" = --list-langs ]; then printf 'List of languages (2):\\neng\\ntlh\\n'; exit; fi`;
  const program = await workspace.write("tesseract", `#!/bin/sh\n${listing}\n${script}\n`);
  await chmod(program, 0o755);
  const { settings, ...limits } = options;
  const recogniser = createRecogniser({
    logger: silentLogger,
    tempDirectory: workspace.tempDirectory,
    settings: ocrSettings.schema.parse(settings ?? {}),
    programPaths: [program],
    ...limits,
  });
  opened.push(recogniser);
  return recogniser;
}

describe("recognition with the system's tesseract, for which a script stands in", () => {
  it("hands over the picture and the languages, and reads the table of words", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("page.png", square);
    const recogniser = await recogniserWith(
      workspace,
      [
        'printf "%s\\n" "$@" "$OMP_THREAD_LIMIT" > "$0.arguments"',
        'cp "$1" "$0.picture"',
        'word() { printf "5\\t1\\t1\\t1\\t$1\\t1\\t0\\t0\\t9\\t9\\t$2\\t$3\\n"; }',
        'printf "level\\tpage_num\\tblock_num\\tpar_num\\tline_num\\tword_num\\tleft\\ttop\\twidth\\theight\\tconf\\ttext\\n"',
        "word 1 90 The; word 1 80 weir; word 2 70 opens.",
      ].join("\n"),
      { settings: { OCR_LANGUAGES: "tlh+eng" } },
    );

    const page = await recogniser.recognisePage({ path, fileType: "image", page: 1, signal });

    expect(page).toEqual({ text: "The weir\nopens.", confidence: 80, engine: "tesseract" });
    const [child = ""] = await readdir(workspace.tempDirectory);
    const handedOver = join(workspace.tempDirectory, child, "page");
    const given = await readFile(join(workspace.root, "tesseract.arguments"), "utf8");
    expect(given.trim().split("\n")).toEqual([handedOver, "stdout", "-l", "tlh+eng", "tsv", "1"]);
    expect(await readFile(join(workspace.root, "tesseract.picture"))).toEqual(square);
    expect(await readdir(join(workspace.tempDirectory, child))).toEqual([]);
  });

  it("leaves a page that the program fails at to the built-in engine", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("page.png", toPng(await drawLines(workspace.root, [sentence])));
    const recogniser = await recogniserWith(workspace, "exit 1");

    const page = await recogniser.recognisePage({ path, fileType: "image", page: 1, signal });

    expect(page).toMatchObject({ text: sentence, engine: "tesseract.js" });
  });

  it.each([
    ["fails", "echo 'Error during processing.' >&2; exit 1"],
    ["prints more than a page of words can be", "exec head -c 17000000 /dev/zero"],
  ])(
    "says that a picture is damaged when the program %s and no other engine has the language",
    async (_how, script) => {
      const workspace = await openWorkspace();
      const path = await workspace.write("page.png", square);
      const recogniser = await recogniserWith(workspace, script, { settings: klingon });

      const page = recogniser.recognisePage({ path, fileType: "image", page: 1, signal });

      await expect(page).rejects.toMatchObject({ code: "file_damaged", retryable: false });
    },
  );

  it("ends a program that hangs, with all it has started, and says that it took too long", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("page.png", square);
    const script = 'sleep 600 & echo here > "$0.begun"; wait';
    const recogniser = await recogniserWith(workspace, script, { settings: klingon, pageTimeoutMs: 10_000 });

    const page = recogniser.recognisePage({ path, fileType: "image", page: 1, signal });

    await expect(page).rejects.toMatchObject({ code: "extraction_limit_time" });
    expect(await readFile(join(workspace.root, "tesseract.begun"), "utf8")).toBe("here\n");
    await expect.poll(() => workspace.childIds()).toEqual([]);
  });
});
