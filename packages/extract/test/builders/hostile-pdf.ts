import { constants, deflateRawSync, deflateSync } from "node:zlib";
import { buildDocx, paragraph } from "./docx.ts";
import { pdfStream, writePdf } from "./pdf-objects.ts";

const hello = "BT /F1 12 Tf 50 700 Td (Hello hostile world) Tj ET";

const tree = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>";

function page(parent = "2 0 R"): string {
  return `<< /Type /Page /Parent ${parent} /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> /XObject << /X 6 0 R >> >> >>`;
}

/** A page that says hello; `changes` replaces objects and adds some from 10 on. 1: catalog, 2: tree, 3: page, 4: what it draws. */
function helloPdf(changes: Iterable<readonly [number, string]> = [], trailer = ""): Buffer {
  const objects = new Map<number, string>([
    [1, "<< /Type /Catalog /Pages 2 0 R >>"],
    [2, tree],
    [3, page()],
    [4, pdfStream("", hello)],
    [5, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"],
    [6, pdfStream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", "")],
    ...changes,
  ]);
  return writePdf(objects, trailer);
}

/** Asks its reader to run a script without end when it is opened. */
export function pdfWithScript(): Buffer {
  return helloPdf([
    [1, String.raw`<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (while\(true\){}) >> >>`],
  ]);
}

/** Says that it has so many pages, and has one. */
export function pdfThatClaimsPages(count: number): Buffer {
  return helloPdf([[2, `<< /Type /Pages /Kids [3 0 R] /Count ${count} >>`]]);
}

/** So many pages that are objects of their own. */
export function pdfOfManyPages(count: number): Buffer {
  const ids = Array.from({ length: count }, (_unused, index) => index + 10);
  const kids = ids.map((id) => `${id} 0 R`).join(" ");
  return helloPdf([
    [2, `<< /Type /Pages /Kids [${kids}] /Count ${count} >>`],
    ...ids.map((id) => [id, page()] as const),
  ]);
}

/** One page, named so many times. */
export function pdfOfOnePageRepeated(count: number): Buffer {
  return helloPdf([[2, `<< /Type /Pages /Kids [${"3 0 R ".repeat(count)}] /Count ${count} >>`]]);
}

/** A tree of pages that is its own first branch. */
export function pdfWithTreeInItself(): Buffer {
  return helloPdf([[2, "<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>"]]);
}

/** A page at the end of so many branches. */
export function pdfWithDeepTree(levels: number): Buffer {
  const branches = Array.from({ length: levels }, (_unused, index) => {
    const next = index === levels - 1 ? 3 : 11 + index;
    return [10 + index, `<< /Type /Pages /Count 1 /Kids [${next} 0 R] >>`] as const;
  });
  return helloPdf([[1, "<< /Type /Catalog /Pages 10 0 R >>"], [3, page(`${9 + levels} 0 R`)], ...branches]);
}

/** Brackets within brackets in its catalog. */
export function pdfWithDeepArray(levels: number): Buffer {
  return helloPdf([[1, `<< /Type /Catalog /Pages 2 0 R /X ${"[".repeat(levels)}${"]".repeat(levels)} >>`]]);
}

/** Its list of objects names itself as the one before. */
export function pdfWithIndexInItself(): Buffer {
  const start = /startxref\n(\d+)/.exec(helloPdf().toString("latin1"))?.[1];
  return helloPdf([], `/Prev ${start}`);
}

/** Its list of objects names a place that holds none as the one before. */
export function pdfWithLostIndex(): Buffer {
  return helloPdf([], "/Prev 500");
}

/** A drawing that draws itself, twice. */
export function pdfWithFormInItself(): Buffer {
  const resources = "/Resources << /XObject << /X 6 0 R >> >>";
  return helloPdf([
    [4, pdfStream("", `/X Do ${hello}`)],
    [6, pdfStream(`/Type /XObject /Subtype /Form /BBox [0 0 600 800] ${resources}`, "/X Do /X Do")],
  ]);
}

/** A PDF to one reader, a DOCX to another. */
export function pdfWithArchiveBehind(): Buffer {
  return Buffer.concat([helloPdf(), buildDocx({ body: paragraph("Another hello") })]);
}

/** A page whose drawing is this, repeated and packed; `layers` says how often. */
export function pdfOfPackedText(text: string, repetitions: number, layers: 1 | 2): Buffer {
  // In pieces of about a megabyte, so that the whole is never held.
  const perPiece = Math.ceil(1_000_000 / text.length);
  const packed = packRepeated(Buffer.from(text.repeat(perPiece)), Math.ceil(repetitions / perPiece));
  const drawing = layers === 1 ? packed : deflateSync(packed);
  const filters = "/FlateDecode ".repeat(layers);
  return helloPdf([[4, pdfStream(`/Filter [${filters}]`, drawing.toString("latin1"))]]);
}

/** What zlib gives for so many of these pieces, though it packs only one. */
function packRepeated(piece: Buffer, times: number): Buffer {
  // A full flush ends on a byte and forgets what was before, so that the piece can follow itself.
  const packed = deflateRawSync(piece, { finishFlush: constants.Z_FULL_FLUSH });
  const sums = deflateSync(piece).subarray(-4);
  const modulus = 65_521;
  let low = 1;
  let high = 0;
  for (let done = 0; done < times; done += 1) {
    high = (high + sums.readUInt16BE(0) + ((low + modulus - 1) % modulus) * piece.length) % modulus;
    low = (low + sums.readUInt16BE(2) + modulus - 1) % modulus;
  }
  const end = Buffer.from([3, 0, 0, 0, 0, 0]);
  end.writeUInt16BE(high, 2);
  end.writeUInt16BE(low, 4);
  return Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array.from({ length: times }, () => packed), end]);
}

/** Drawings to pack: one that shows text, and one that shows nothing. */
export const drawnLine = `BT /F1 12 Tf (${"A".repeat(53)}) Tj ET\n`;
export const blanks = " ".repeat(100);
