import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { exportedDocumentSchema } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fromBufferPromise } from "yauzl";
import { inTurn, sampleExported } from "../../test/sample-export.ts";
import { createFileStore } from "../files/index.ts";
import type { FileStore } from "../files/index.ts";
import type { Exported } from "./read-exported.ts";
import { writeZip } from "./write-zip.ts";

let directory: string;
let files: FileStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-zip-"));
  files = createFileStore({ directory });
  await files.start();
});
afterEach(async () => {
  await files.stop();
  await rm(directory, { recursive: true });
});

describe("an export as zip", () => {
  it("has Markdown and JSON of each document under its title", async () => {
    const second = sampleExported({ title: "Second" }, { text: "Other text." });

    const entries = await unpack(writeZip(inTurn(sampleExported(), second), undefined));

    expect([...entries.keys()]).toEqual(["The mill.md", "The mill.json", "Second.md", "Second.json"]);
    expect(entries.get("Second.md")?.toString()).toContain("## Text\n\nOther text.");
    const json = exportedDocumentSchema
      .strict()
      .parse(parseJson(entries.get("Second.json")?.toString() ?? ""));
    expect(json).toMatchObject({ document: { title: "Second" }, text: "Other text." });
  });

  it("has no path out of it, and numbers what has one name", async () => {
    const titles = ["../../etc/passwd", "/etc/passwd", "C:\\etc", "Etc-passwd", ""];

    const entries = await unpack(
      writeZip(inTurn(...titles.map((title) => sampleExported({ title }))), undefined),
    );

    expect([...entries.keys()].filter((name) => name.endsWith(".md"))).toEqual([
      "etc-passwd.md",
      "etc-passwd (2).md",
      "C-etc.md",
      "Etc-passwd (3).md",
      "document.md",
    ]);
  });

  it("has the stored files when they are asked for, and says of each where", async () => {
    const bytes = Buffer.from("%PDF the very bytes".repeat(10_000));
    const { key } = await files.write(Readable.from([bytes]), { maxBytes: 1_000_000 });
    const gone = sampleExported({ title: "Gone" }, { fileKey: `ff/${sampleExported().document.id}` });
    const pasted = sampleExported({ title: "Pasted", file_name: null });
    const named = sampleExported({ title: "the Mill.PDF" }, { fileKey: key });

    const entries = await unpack(
      writeZip(inTurn(sampleExported({}, { fileKey: key }), gone, pasted, named), files),
    );

    expect(entries.get("originals/The mill.pdf")?.equals(bytes)).toBe(true);
    expect([...entries.keys()].filter((name) => name.startsWith("originals/"))).toEqual([
      "originals/The mill.pdf",
      "originals/the Mill (2).pdf",
    ]);
    const originals = ["The mill", "Gone", "Pasted"].map(
      (name) =>
        exportedDocumentSchema.parse(parseJson(entries.get(`${name}.json`)?.toString() ?? "")).original,
    );
    expect(originals).toEqual(["originals/The mill.pdf", null, null]);
  });

  it("is an archive without entries when there are no documents", async () => {
    expect((await unpack(writeZip(inTurn(), undefined))).size).toBe(0);
  });

  it("takes documents only as fast as it is taken, and stops with its reader", async () => {
    const source = endless();
    const archive = writeZip(source.documents(), undefined);

    let received = 0;
    for await (const chunk of archive) {
      received += chunk.length;
      if (received > 200_000) break;
    }

    // Each has 100,000 characters that hardly compress; what is not taken is held back by the stream's buffers.
    expect(source.taken()).toBeLessThan(10);
    expect(source.isOver()).toBe(true);
  });

  it("breaks off when documents can't be read", async () => {
    const failing = async function* (): AsyncGenerator<Exported> {
      yield sampleExported();
      throw new Error("the database is away");
    };

    await expect(buffer(writeZip(failing(), undefined))).rejects.toThrow("the database is away");
  });
});

/** Documents without end, and how many were taken of them. */
function endless() {
  let taken = 0;
  let isOver = false;
  const documents = async function* (): AsyncGenerator<Exported> {
    try {
      for (;;) {
        taken += 1;
        yield sampleExported({ title: `Number ${taken}` }, { text: randomBytes(50_000).toString("hex") });
      }
    } finally {
      isOver = true;
    }
  };
  return { documents, taken: () => taken, isOver: () => isOver };
}

async function unpack(archive: AsyncIterable<Uint8Array>): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(await buffer(archive), { strictFileNames: true });
  const entries = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    entries.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  }
  return entries;
}
