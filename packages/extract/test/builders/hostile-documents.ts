import { buildDocx, paragraph } from "./docx.ts";
import { buildZip } from "./zip.ts";

/** A word of so many levels, each ten times the one below it. */
export function docxWithLaughs(levels: number): Buffer {
  const entities = Array.from(
    { length: levels },
    (_unused, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`,
  );
  return buildDocx({
    body: paragraph(`&l${levels};`),
    prologue: `<!DOCTYPE x [<!ENTITY l0 "lolololololol">${entities.join("")}]>`,
  });
}

/** A document followed by so many empty parts: at most 65,535, which is all that the end of an archive can say. */
export function docxOfManyParts(count: number): Buffer {
  const empty = new Uint8Array();
  const body = Buffer.from(
    `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${paragraph("hi")}</w:body></w:document>`,
  );
  const parts = Array.from({ length: count - 1 }, (_unused, index) => ({ name: `x/${index}`, bytes: empty }));
  return buildZip([{ name: "word/document.xml", bytes: body }, ...parts]);
}

/** Elements that are never closed, in two kinds that may not hold each other. */
export function htmlOfUnclosedTags(count: number): Buffer {
  return Buffer.from(`<html><body>${"<b><p>".repeat(count)}x`);
}

/** A paragraph with an attribute of so many bytes. */
export function htmlWithLongAttribute(length: number): Buffer {
  return Buffer.from(`<html><body><p title="${"a".repeat(length)}">The page</p></body></html>`);
}

/** So many paragraphs. */
export function htmlOfManyParagraphs(count: number): Buffer {
  const text = "<p>lorem ipsum dolor sit amet, consectetur</p>\n".repeat(count);
  return Buffer.from(`<html><body>${text}</body></html>`);
}

/** A message to so many people. */
export function mailToMany(count: number): Buffer {
  const people = Array.from({ length: count }, (_unused, index) => `a${index}@x.test`);
  return Buffer.from(`To: ${people.join(", ")}\r\nSubject: s\r\n\r\nhi`);
}

/** A message with an attachment of so many zeros. */
export function mailWithAttachment(length: number): Buffer {
  const lines = "AAAA"
    .repeat(19)
    .concat("\r\n")
    .repeat(Math.ceil(length / 57));
  return Buffer.from(
    `Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}--b--\r\n`,
  );
}
