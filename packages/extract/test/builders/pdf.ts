import { createHash } from "node:crypto";
import { pdfStream, writePdf } from "./pdf-objects.ts";

/** One page: text lines from top to bottom, or raw drawing operators. */
export type PdfPage = { readonly lines: readonly string[] } | { readonly operators: string };

const pageHeight = 792;

/** Text at a place of a page; fonts are F1 (regular), F2 (bold) and F3 (monospaced). */
export type PlacedText = {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly size?: number;
  readonly font?: "F1" | "F2" | "F3";
  /** Its element in the structure tree, such as H1. */
  readonly role?: string;
};

/** A PDF whose text stands where it is told to, in the order given; tagged where any of it has a role. */
export function buildLayout(pages: readonly (readonly PlacedText[])[]): Buffer {
  const roles = pages.map((texts) => texts.flatMap(({ role }) => role ?? []));
  const objects = new Map<number, string>([
    [
      2,
      `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_page, n) => `${10 + n * 2} 0 R`).join(" ")}] >>`,
    ],
    ...["Helvetica", "Helvetica-Bold", "Courier"].map(
      (name, index) =>
        [
          3 + index,
          `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`,
        ] as const,
    ),
  ]);
  let next = 10 + pages.length * 2;
  const elements = roles.map((names, page) =>
    names.map((role, mark) => {
      objects.set(next, `<< /Type /StructElem /S /${role} /P 6 0 R /Pg ${10 + page * 2} 0 R /K ${mark} >>`);
      return `${next++} 0 R`;
    }),
  );
  pages.forEach((texts, page) => {
    const fonts = "/Font << /F1 3 0 R /F2 4 0 R /F3 5 0 R >>";
    objects.set(
      10 + page * 2,
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 ${pageHeight}] /Resources << ${fonts} >> /Contents ${11 + page * 2} 0 R /StructParents ${page} >>`,
    );
    let mark = 0;
    const operators = texts.map(({ text, x, y, size = 10, font = "F1", role }) => {
      const drawn = `BT /${font} ${size} Tf ${x} ${y} Td (${escapeString(text)}) Tj ET`;
      return role === undefined ? drawn : `/${role} << /MCID ${mark++} >> BDC ${drawn} EMC`;
    });
    objects.set(11 + page * 2, pdfStream("", operators.join("\n")));
  });
  const isTagged = elements.flat().length > 0;
  const parents = elements.map((names, page) => `${page} [${names.join(" ")}]`).join(" ");
  objects.set(
    6,
    `<< /Type /StructTreeRoot /K [${elements.flat().join(" ")}] /ParentTree << /Nums [${parents}] >> >>`,
  );
  objects.set(
    1,
    `<< /Type /Catalog /Pages 2 0 R ${isTagged ? "/MarkInfo << /Marked true >> /StructTreeRoot 6 0 R" : ""} >>`,
  );
  return writePdf(objects);
}

/** A PDF written by hand. `extra` objects are numbered from 10 and reachable as /X10, /X11, ... */
export function buildPdf(options: {
  readonly pages: readonly PdfPage[];
  readonly title?: string;
  readonly extra?: readonly string[];
  readonly userPassword?: string;
}): Buffer {
  const extra = options.extra ?? [];
  const firstPage = 10 + extra.length;
  const numbers = options.pages.map((_page, index) => firstPage + index * 2);
  const xObjects = extra.map((_text, index) => `/X${10 + index} ${10 + index} 0 R`).join(" ");
  const objects = new Map<number, string>([
    [1, "<< /Type /Catalog /Pages 2 0 R >>"],
    [2, `<< /Type /Pages /Count ${numbers.length} /Kids [${numbers.map((id) => `${id} 0 R`).join(" ")}] >>`],
    [3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"],
    [4, `<< /Title (${options.title ?? ""}) >>`],
  ]);
  extra.forEach((text, index) => objects.set(10 + index, text));
  options.pages.forEach((page, index) => {
    const id = firstPage + index * 2;
    objects.set(
      id,
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 ${pageHeight}] /Resources << /Font << /F1 3 0 R >> /XObject << ${xObjects} >> >> /Contents ${id + 1} 0 R >>`,
    );
    objects.set(id + 1, pdfStream("", "operators" in page ? page.operators : drawLines(page.lines)));
  });
  const encryption = options.userPassword === undefined ? "" : encryptionEntries(options.userPassword);
  return writePdf(objects, `/Info 4 0 R ${encryption}`);
}

/** A page that draws a form which draws a form ten times, and so on: 10^12 drawings in 3 KB. */
export function endlessPdf(): Buffer {
  const levels = 12;
  const extra = Array.from({ length: levels }, (_unused, index) => {
    const isLast = index === levels - 1;
    const next = `/X${11 + index}`;
    const resources = isLast ? "/Font << /F1 3 0 R >>" : `/XObject << ${next} ${11 + index} 0 R >>`;
    const operators = isLast ? "BT /F1 12 Tf (x) Tj ET" : `${next} Do `.repeat(10);
    return pdfStream(
      `/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Resources << ${resources} >>`,
      operators,
    );
  });
  return buildPdf({
    pages: [{ lines: ["The first page is an ordinary page."] }, { operators: "/X10 Do" }],
    extra,
  });
}

function drawLines(lines: readonly string[]): string {
  return `BT /F1 12 Tf 14 TL 72 700 Td ${lines.map((line) => `(${escapeString(line)}) Tj T*`).join(" ")} ET`;
}

function escapeString(text: string): string {
  return text.replace(/[\\()]/g, "\\$&");
}

/**
 * The entries of the standard handler, revision 2. The streams themselves stay as they are: readers
 * ask for the password before they look at any.
 */
function encryptionEntries(userPassword: string): string {
  const padding = Buffer.from("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A", "hex");
  const padded = Buffer.concat([Buffer.from(userPassword, "latin1"), padding]).subarray(0, 32);
  const id = Buffer.from("00112233445566778899aabbccddeeff", "hex");
  const owner = rc4(md5(padded).subarray(0, 5), padded);
  const key = md5(Buffer.concat([padded, owner, Buffer.from([0xfc, 0xff, 0xff, 0xff]), id])).subarray(0, 5);
  const user = rc4(key, padding);
  return `/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${owner.toString("hex")}> /U <${user.toString("hex")}> >> /ID [<${id.toString("hex")}> <${id.toString("hex")}>]`;
}

function md5(bytes: Buffer): Buffer {
  return createHash("md5").update(bytes).digest();
}

function rc4(key: Buffer, bytes: Buffer): Buffer {
  const state = Array.from({ length: 256 }, (_unused, index) => index);
  const swap = (a: number, b: number): void => void ([state[a], state[b]] = [state[b]!, state[a]!]);
  for (let i = 0, j = 0; i < 256; i += 1) {
    j = (j + state[i]! + key[i % key.length]!) % 256;
    swap(i, j);
  }
  let i = 0;
  let j = 0;
  return Buffer.from(
    bytes.map((byte) => {
      i = (i + 1) % 256;
      j = (j + state[i]!) % 256;
      swap(i, j);
      return byte ^ state[(state[i]! + state[j]!) % 256]!;
    }),
  );
}
