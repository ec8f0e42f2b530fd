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

/** A part of another format that the body takes in with `importedAs(at)`, by its place in the list. */
export type ImportedPart = { readonly name: string; readonly content: string | Uint8Array };

export function importedAs(at: number): string {
  return `<w:altChunk xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="in${at}"/>`;
}

/** A DOCX with this body; `prologue` goes before the root element, `title` into the properties. */
export function buildDocx(options: {
  readonly body: string;
  readonly title?: string;
  readonly prologue?: string;
  readonly declaredSize?: number;
  readonly imported?: readonly ImportedPart[];
  /** What a chart says, as DrawingML. */
  readonly chart?: string;
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
  parts.push(...relatedParts(options.imported ?? [], options.chart));
  return buildZip(parts);
}

function relatedParts(imported: readonly ImportedPart[], chart: string | undefined): ZipPart[] {
  const relation = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${type}" Target="/word/${target}"/>`;
  const list = imported.map(({ name }, at) => relation(`in${at}`, "aFChunk", name));
  if (chart !== undefined) list.push(relation("chart", "chart", "charts/chart1.xml"));
  if (list.length === 0) return [];
  const xml = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${list.join("")}</Relationships>`;
  const chartXml = `<?xml version="1.0"?><c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">${chart}</c:chartSpace>`;
  return [
    { name: "word/_rels/document.xml.rels", bytes: Buffer.from(xml) },
    ...imported.map(({ name, content }) => ({ name: `word/${name}`, bytes: Buffer.from(content) })),
    ...(chart === undefined ? [] : [{ name: "word/charts/chart1.xml", bytes: Buffer.from(chartXml) }]),
  ];
}
