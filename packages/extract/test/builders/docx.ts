import { buildZip } from "./zip.ts";
import type { ZipPart } from "./zip.ts";

const contentTypes = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`;
const relations = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`;

export function paragraph(text: string): string {
  return `<w:p><w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`;
}

export function table(rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]): string =>
    row.map((cell) => `<w:tc>${paragraph(cell)}</w:tc>`).join("");
  return `<w:tbl>${rows.map((row) => `<w:tr>${cells(row)}</w:tr>`).join("")}</w:tbl>`;
}

/** A DOCX with this body; `prologue` goes before the root element, `title` into the properties. */
export function buildDocx(options: {
  readonly body: string;
  readonly title?: string;
  readonly prologue?: string;
  readonly declaredSize?: number;
}): Buffer {
  const document = `<?xml version="1.0"?>${options.prologue ?? ""}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${options.body}</w:body></w:document>`;
  const parts: ZipPart[] = [
    { name: "[Content_Types].xml", bytes: Buffer.from(contentTypes) },
    { name: "_rels/.rels", bytes: Buffer.from(relations) },
    {
      name: "word/document.xml",
      bytes: Buffer.from(document),
      ...(options.declaredSize === undefined ? {} : { declaredSize: options.declaredSize }),
    },
  ];
  if (options.title !== undefined) {
    const properties = `<?xml version="1.0"?><cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>${options.title}</dc:title></cp:coreProperties>`;
    parts.push({ name: "docProps/core.xml", bytes: Buffer.from(properties) });
  }
  return buildZip(parts);
}
