import { join } from "node:path";
import { silentLogger } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { createRecogniser } from "../src/index.ts";
import { ocrSettings } from "../src/settings.ts";
import { openWorkspace } from "./workspace.ts";

/** Of all files in `files/`; made by `qpdf --encrypt`. "owner" is that of the owner. */
const password = "Schlüssel zum Wehr";
const sentence = "The key of the weir hangs behind the door of the mill.";
const kinds = ["rc4-40", "rc4-128", "aes-128", "aes-256"] as const;

function locked(kind: (typeof kinds)[number]): string {
  return join(import.meta.dirname, "files", `locked-${kind}.pdf`);
}

async function extract(kind: (typeof kinds)[number], given?: string) {
  const workspace = await openWorkspace();
  const request = { path: locked(kind), fileName: "locked.pdf", password: given };
  return await workspace.createExtractor().extract(request);
}

describe.each(kinds)("a PDF locked by a password with %s", (kind) => {
  it("asks for a password", async () => {
    await expect(extract(kind)).rejects.toMatchObject({ code: "pdf_encrypted", retryable: false });
  });

  it("says that a password is wrong", async () => {
    await expect(extract(kind, "schlüssel zum wehr")).rejects.toMatchObject({
      code: "pdf_password_wrong",
      retryable: false,
    });
  });

  it("is read with the right password", async () => {
    const extracted = await extract(kind, password);

    expect(extracted).toMatchObject({ method: "pdfjs", title: "Weir" });
    expect(extracted.text).toContain(sentence);
  });

  it("is read with the password of its owner", async () => {
    expect((await extract(kind, "owner")).text).toContain(sentence);
  });

  it("has its pages recognised with the password only", async () => {
    const workspace = await openWorkspace();
    const settings = ocrSettings.schema.parse({ OCR_ENGINE: "builtin" });
    const { tempDirectory } = workspace;
    const recogniser = createRecogniser({ logger: silentLogger, tempDirectory, settings });
    const { signal } = new AbortController();
    const page = { path: locked(kind), fileType: "pdf", page: 1, signal } as const;
    try {
      expect((await recogniser.recognisePage({ ...page, password })).text).toContain("behind the door");
      await expect(recogniser.recognisePage(page)).rejects.toMatchObject({ code: "pdf_encrypted" });
      await expect(recogniser.recognisePage({ ...page, password: "no" })).rejects.toMatchObject({
        code: "pdf_password_wrong",
      });
    } finally {
      await recogniser.stop();
    }
  });
});

it("does not mind a password for a file that asks for none", async () => {
  const workspace = await openWorkspace();
  const path = await workspace.write("open.txt", "Nothing is locked here.");

  const extracted = await workspace.createExtractor().extract({ path, fileName: "open.txt", password });

  expect(extracted.text).toBe("Nothing is locked here.");
});
