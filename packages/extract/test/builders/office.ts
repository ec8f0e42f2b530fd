import { buildZip } from "./zip.ts";
import type { ZipPart } from "./zip.ts";

const officeRelation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

const chartSpace = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"';

type Relation = { readonly id: string; readonly type: string; readonly target: string };

function part(name: string, xml: string, declaredSize?: number): ZipPart {
  const bytes = Buffer.from(`<?xml version="1.0"?>${xml}`);
  return { name, bytes, ...(declaredSize === undefined ? {} : { declaredSize }) };
}

function relations(name: string, list: readonly Relation[]): ZipPart {
  const items = list.map(
    ({ id, type, target }) =>
      `<Relationship Id="${id}" Type="${officeRelation}/${type}" Target="${target}"/>`,
  );
  return part(
    name,
    `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${items.join("")}</Relationships>`,
  );
}

function contentTypes(main: string, type: string, others = ""): ZipPart {
  return part(
    "[Content_Types].xml",
    `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/${main}" ContentType="${type}"/>${others}</Types>`,
  );
}

function spreadsheetPart(name: string): string {
  return `<Override PartName="/xl/${name}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.${name}+xml"/>`;
}

export type Sheet = { readonly name: string; readonly rows: string };

/** A cell with a text in it. */
export function cell(reference: string, text: string): string {
  return `<c r="${reference}" t="inlineStr"><is><t>${text}</t></is></c>`;
}

/** An XLSX of these sheets; `style` 1 of a cell is a date. `sharedTexts` are read by cells of type "s". */
export function buildXlsx(
  sheets: readonly Sheet[],
  options: {
    readonly sharedTexts?: readonly string[];
    readonly declaredSize?: number;
    /** Leaves the shared texts out of the list of contents, where some readers look for them. */
    readonly hidesTexts?: boolean;
  } = {},
): Buffer {
  const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const list = sheets.map(
    ({ name }, index) => `<sheet name="${name}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`,
  );
  const shared = (options.sharedTexts ?? []).map((text) => `<si><t>${text}</t></si>`).join("");
  return buildZip([
    contentTypes(
      "xl/workbook.xml",
      "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
      spreadsheetPart("styles") + (options.hidesTexts === true ? "" : spreadsheetPart("sharedStrings")),
    ),
    relations("_rels/.rels", [{ id: "rId1", type: "officeDocument", target: "xl/workbook.xml" }]),
    part(
      "xl/workbook.xml",
      `<workbook xmlns="${main}" xmlns:r="${officeRelation}"><sheets>${list.join("")}</sheets></workbook>`,
    ),
    relations("xl/_rels/workbook.xml.rels", [
      ...sheets.map((_, index) => ({
        id: `rId${index + 1}`,
        type: "worksheet",
        target: `worksheets/sheet${index + 1}.xml`,
      })),
      { id: "rIdS", type: "sharedStrings", target: "sharedStrings.xml" },
      { id: "rIdT", type: "styles", target: "styles.xml" },
    ]),
    part(
      "xl/styles.xml",
      `<styleSheet xmlns="${main}"><fills count="1"><fill><patternFill patternType="none"/></fill></fills><cellXfs count="2"><xf numFmtId="0" fillId="0"/><xf numFmtId="14" fillId="0" applyNumberFormat="1"/></cellXfs></styleSheet>`,
    ),
    part("xl/sharedStrings.xml", `<sst xmlns="${main}">${shared}</sst>`),
    ...sheets.map(({ rows }, index) =>
      part(
        `xl/worksheets/sheet${index + 1}.xml`,
        `<worksheet xmlns="${main}"><sheetData>${rows}</sheetData></worksheet>`,
        options.declaredSize,
      ),
    ),
  ]);
}

/** `chart`: what a chart on the slide says, as DrawingML. */
export type Slide = { readonly shapes: string; readonly notes?: string; readonly chart?: string };

/** A chart with a title and these categories, once for each of its series, as programs write them. */
export function chartOf(title: string, series: readonly string[], categories: readonly string[]): string {
  const names = (list: readonly string[]): string =>
    `<c:strCache>${list.map((name) => `<c:pt><c:v>${name}</c:v></c:pt>`).join("")}</c:strCache>`;
  const rows = series.map(
    (name) =>
      `<c:ser><c:tx>${names([name])}</c:tx><c:cat>${names(categories)}</c:cat><c:val><c:numCache><c:pt><c:v>920.68</c:v></c:pt></c:numCache></c:val></c:ser>`,
  );
  return `<c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>${title}</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea>${rows.join("")}</c:plotArea></c:chart>`;
}

/** A shape with a text; `placeholder` is the type of its place, such as "title". */
export function shape(text: string, placeholder?: string): string {
  const place = placeholder === undefined ? "" : `<p:ph type="${placeholder}"/>`;
  return `<p:sp><p:nvSpPr><p:nvPr>${place}</p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:txBody></p:sp>`;
}

export function slideTable(rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]): string =>
    row.map((text) => `<a:tc><a:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></a:txBody></a:tc>`).join("");
  const body = rows.map((row) => `<a:tr>${cells(row)}</a:tr>`).join("");
  return `<p:graphicFrame><a:graphic><a:graphicData><a:tbl>${body}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>`;
}

export function buildPptx(slides: readonly Slide[]): Buffer {
  const spaces = `xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="${officeRelation}"`;
  const tree = (content: string): string => `<p:cSld><p:spTree>${content}</p:spTree></p:cSld>`;
  const ids = slides.map((_, index) => `<p:sldId id="${256 + index}" r:id="rId${index + 1}"/>`).join("");
  return buildZip([
    contentTypes(
      "ppt/presentation.xml",
      "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    ),
    relations("_rels/.rels", [{ id: "rId1", type: "officeDocument", target: "ppt/presentation.xml" }]),
    part(
      "ppt/presentation.xml",
      `<p:presentation ${spaces}><p:sldIdLst>${ids}</p:sldIdLst></p:presentation>`,
    ),
    relations(
      "ppt/_rels/presentation.xml.rels",
      slides.map((_, index) => ({
        id: `rId${index + 1}`,
        type: "slide",
        target: `slides/slide${index + 1}.xml`,
      })),
    ),
    ...slides.flatMap(({ shapes, notes, chart }, index) => {
      const number = index + 1;
      const related = [
        ...(notes === undefined
          ? []
          : [
              {
                ...{ id: "rId1", type: "notesSlide", name: `notesSlides/notesSlide${number}.xml` },
                xml: `<p:notes ${spaces}>${tree(shape(notes, "body"))}</p:notes>`,
              },
            ]),
        ...(chart === undefined
          ? []
          : [
              {
                ...{ id: "rId2", type: "chart", name: `charts/chart${number}.xml` },
                xml: `<c:chartSpace ${spaces} ${chartSpace}>${chart}</c:chartSpace>`,
              },
            ]),
      ];
      return [
        part(`ppt/slides/slide${number}.xml`, `<p:sld ${spaces}>${tree(shapes)}</p:sld>`),
        relations(
          `ppt/slides/_rels/slide${number}.xml.rels`,
          related.map(({ id, type, name }) => ({ id, type, target: `../${name}` })),
        ),
        ...related.map(({ name, xml }) => part(`ppt/${name}`, xml)),
      ];
    }),
  ]);
}

/** An OpenDocument file whose body is this; `isEncrypted` says so in its list of parts. */
export function buildOpenDocument(
  kind: "text" | "spreadsheet" | "presentation",
  body: string,
  options: { readonly title?: string; readonly isEncrypted?: boolean } = {},
): Buffer {
  const names = ["office", "text", "table", "draw", "presentation"].map(
    (name) =>
      `xmlns:${name}="urn:oasis:names:tc:opendocument:xmlns:${name === "draw" ? "drawing" : name}:1.0"`,
  );
  const spaces = names.join(" ");
  const encryption = options.isEncrypted === true ? "<manifest:encryption-data/>" : "";
  return buildZip([
    { name: "mimetype", bytes: Buffer.from(`application/vnd.oasis.opendocument.${kind}`) },
    part(
      "META-INF/manifest.xml",
      `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="content.xml">${encryption}</manifest:file-entry></manifest:manifest>`,
    ),
    part(
      "meta.xml",
      `<office:document-meta ${spaces} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta><dc:title>${options.title ?? ""}</dc:title></office:meta></office:document-meta>`,
    ),
    part(
      "content.xml",
      `<office:document-content ${spaces}><office:body><office:${kind}>${body}</office:${kind}></office:body></office:document-content>`,
    ),
  ]);
}
