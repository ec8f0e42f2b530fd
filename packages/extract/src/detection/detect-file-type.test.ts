import { describe, expect, it } from "vitest";
import { detectFileType } from "./detect-file-type.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const detect = (head: Uint8Array, fileName: string | null): ReturnType<typeof detectFileType> =>
  detectFileType({ head, fileName, size: head.length });

/** The beginning of a zip whose first part has this name. */
function zipHead(partName: string): Uint8Array {
  const header = Buffer.alloc(30);
  header.write("PK\u0003\u0004", 0, "latin1");
  header.writeUInt16LE(20, 4);
  header.writeUInt32LE(10, 18);
  header.writeUInt32LE(10, 22);
  header.writeUInt16LE(partName.length, 26);
  return Buffer.concat([header, Buffer.from(partName), Buffer.alloc(10, 1)]);
}

/** The beginning of a compound file with a stream of this name. */
function compoundHead(streamName: string): Uint8Array {
  const head = Buffer.alloc(1024);
  head.write("d0cf11e0a1b11ae1", 0, "hex");
  head.write(`${streamName}\0`, 512, "utf16le");
  return head;
}

describe("detectFileType", () => {
  it.each([
    ["report.pdf", "%PDF-1.7\n", "pdf"],
    ["report.txt", "%PDF-1.7\n", "pdf"],
    ["late.pdf", "\u0000\u0001junk%PDF-1.7\n", "pdf"],
    ["unmarked.pdf", "%\u00e2\u00e3\n1 0 obj <</Type /Catalog>>", "pdf"],
    ["page.html", "<p>A part of a page", "html"],
    ["page.txt", "<!DOCTYPE html><html>", "html"],
    ["page.xhtml", '<?xml version="1.0"?><html xmlns="x">', "html"],
    ["notes.md", "# Notes", "markdown"],
    ["notes.MARKDOWN", "# Notes", "markdown"],
    ["notes.txt", "# Notes", "text"],
    ["levels.csv", "gate,level\nnorth,1", "csv"],
    ["levels.tsv", "gate\tlevel\nnorth\t1", "tsv"],
    ["stored", "From: ann@mill.example\nDate: Fri, 20 Nov 2026 09:30:00 +0100\n\nHello.", "eml"],
    ["note.txt", "From: here\nto there it is a mile.\n\nDate: unknown", "text"],
    ["run.sh", "#!/bin/sh\necho hello", "text"],
    ["BM.txt", "BMW builds cars. MZ built motorcycles.", "text"],
    ["talk.txt", "A PDF begins with %PDF-1.7, as everybody knows.", "text"],
  ])("calls %s %s", async (fileName, content, type) => {
    expect(await detect(bytes(content), fileName)).toMatchObject({ type });
  });

  it("takes text without a name for plain text", async () => {
    expect(await detect(bytes("Just text."), null)).toEqual({ type: "text", mediaType: "text/plain" });
  });

  it("recognises a DOCX whose part list comes late", async () => {
    expect(await detect(zipHead("word/media/picture.png"), "odd.bin")).toMatchObject({ type: "docx" });
    expect(await detect(zipHead("customXml/item1.xml"), "a.docx")).toMatchObject({ type: "docx" });
  });

  it.each([
    ["sheet.bin", zipHead("xl/workbook.xml"), "xlsx"],
    ["slides.docx", zipHead("ppt/presentation.xml"), "pptx"],
    ["sheet.xlsx", zipHead("xl\\styles.xml"), "xlsx"],
    ["text.odt", zipHead("content.xml"), "odt"],
    ["letter.txt", bytes("{\\rtf1\\ansi hello}"), "rtf"],
    ["sheet.xls", compoundHead("Root Entry"), "xls"],
    ["sheet", compoundHead("Workbook"), "xls"],
  ])("recognises an office file by its content: %s", async (fileName, head, type) => {
    expect(await detect(head, fileName)).toMatchObject({ type });
  });

  it.each([
    ["secret.xlsx", compoundHead("EncryptedPackage")],
    ["letter.doc", compoundHead("WordDocument")],
  ])("refuses %s, which is encrypted or old", async (fileName, head) => {
    await expect(detect(head, fileName)).rejects.toMatchObject({ code: "file_encrypted_or_legacy" });
  });

  it("refuses an empty file", async () => {
    await expect(detect(new Uint8Array(), "a.txt")).rejects.toMatchObject({ code: "file_empty" });
  });

  it.each([
    ["things.zip", zipHead("things/one.bin")],
    ["drawing.svg", bytes('<svg xmlns="http://www.w3.org/2000/svg"></svg>')],
    ["feed.xml", bytes('<?xml version="1.0"?><feed></feed>')],
    [
      "random.txt",
      Uint8Array.from({ length: 4096 }, (_unused, index) => (index * 167 + (index >> 3) * 31) % 256),
    ],
    ["zeros.txt", new Uint8Array(1000)],
    ["setup.exe", Buffer.from("4d5a900003000000", "hex")],
  ])("refuses %s as unsupported", async (fileName, head) => {
    await expect(detect(head, fileName)).rejects.toMatchObject({
      code: "unsupported_file_type",
      kind: "unsupported",
    });
  });

  it.each([
    ["moving.gif", Buffer.from("47494638396101000100800000ffffff000000", "hex")],
    ["photo.jpg", Buffer.from("00000018667479706865696300000000686569636d696631", "hex")],
  ])("says of %s that this picture format is not read, and which ones are", async (fileName, head) => {
    const refused = detect(head, fileName);

    await expect(refused).rejects.toMatchObject({
      code: "unsupported_file_type",
      details: { found: expect.stringMatching(/picture in the format (GIF|HEIC)/) },
    });
    await expect(refused).rejects.toThrow(/not supported yet.*pictures \(PNG, JPEG, WebP, TIFF\)/);
  });

  it("refuses office files that are encrypted or old", async () => {
    const head = Buffer.concat([Buffer.from("d0cf11e0a1b11ae1", "hex"), Buffer.alloc(600)]);

    await expect(detect(head, "a.docx")).rejects.toMatchObject({ code: "file_encrypted_or_legacy" });
  });

  it.each([
    ["program.pdf", Buffer.from("4d5a9000030000000400", "hex")],
    ["program.docx", Buffer.from("7f454c4602010100", "hex")],
    ["both.pdf", bytes("<html><script>alert(1)</script>%PDF-1.7\n")],
  ])("refuses %s, which hides something else", async (fileName, head) => {
    await expect(detect(head, fileName)).rejects.toMatchObject({ code: "file_type_mismatch" });
  });

  it("reads no more of a name than its end", async () => {
    const fileName = `${"../".repeat(1_600)}\u202Efdp.md`;

    expect(await detect(bytes("# Title"), fileName)).toMatchObject({ type: "markdown" });
  });
});
