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
    ["levels.csv", "gate,level\nnorth,1", "text"],
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

  it("refuses an empty file", async () => {
    await expect(detect(new Uint8Array(), "a.txt")).rejects.toMatchObject({ code: "file_empty" });
  });

  it.each([
    ["sheet.xlsx", zipHead("xl/workbook.xml")],
    ["slides.pptx", zipHead("ppt/presentation.xml")],
    ["things.zip", zipHead("things/one.bin")],
    ["picture.png", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex")],
    ["letter.rtf", bytes("{\\rtf1\\ansi hello}")],
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
