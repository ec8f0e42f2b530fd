import { crc32, deflateSync } from "node:zlib";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { renderPage } from "../../src/methods/ocr/render-page.ts";
import { buildPdf } from "./pdf.ts";

/** A gray picture, one byte a pixel. */
export type Picture = { readonly width: number; readonly height: number; readonly pixels: Uint8Array };

/** A page with these lines, as a scanner would see it. */
export async function drawLines(folder: string, lines: readonly string[]): Promise<Picture> {
  const path = join(folder, "drawn.pdf");
  await writeFile(path, buildPdf({ pages: [{ lines }] }));
  const pgm = Buffer.from((await renderPage({ path }, 1)) ?? []);
  const [, width = 0, height = 0] =
    /^P5\n(\d+) (\d+)\n255\n/.exec(pgm.toString("latin1", 0, 40))?.map(Number) ?? [];
  return { width, height, pixels: pgm.subarray(pgm.length - width * height) };
}

export function toPng({ width, height, pixels }: Picture): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1)
    rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    pngChunk("IHDR", head),
    pngChunk("IDAT", deflateSync(rows)),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(name: string, content: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}

/** One uncompressed TIFF with a page for each picture. */
export function toTiff(pictures: readonly Picture[]): Buffer {
  const parts = [Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0])];
  let length = 8;
  let pointer = { part: 0, at: 4 };
  for (const { width, height, pixels } of pictures) {
    const strip = length;
    const padded = Buffer.concat([pixels, Buffer.alloc(pixels.length % 2)]);
    const tags: readonly (readonly [number, number, number])[] = [
      ...([
        [256, 4, width],
        [257, 4, height],
        [258, 3, 8],
        [259, 3, 1],
        [262, 3, 1],
        [273, 4, strip],
      ] as const),
      ...([
        [277, 3, 1],
        [278, 4, height],
        [279, 4, pixels.length],
      ] as const),
    ];
    const directory = Buffer.alloc(2 + tags.length * 12 + 4);
    directory.writeUInt16LE(tags.length, 0);
    tags.forEach(([tag, type, value], index) => {
      directory.writeUInt16LE(tag, 2 + index * 12);
      directory.writeUInt16LE(type, 4 + index * 12);
      directory.writeUInt32LE(1, 6 + index * 12);
      directory.writeUInt32LE(value, 10 + index * 12);
    });
    parts[pointer.part]?.writeUInt32LE(length + padded.length, pointer.at);
    parts.push(padded, directory);
    pointer = { part: parts.length - 1, at: directory.length - 4 };
    length += padded.length + directory.length;
  }
  return Buffer.concat(parts);
}

/** A PDF whose pages are nothing but these pictures. */
export function toScan(pictures: readonly Picture[]): Buffer {
  const extra = pictures.map(({ width, height, pixels }) => {
    const data = deflateSync(pixels).toString("latin1");
    const facts = `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /DeviceGray /BitsPerComponent 8`;
    return `<< ${facts} /Filter /FlateDecode /Length ${data.length} >>\nstream\n${data}\nendstream`;
  });
  return buildPdf({
    pages: pictures.map((_picture, index) => ({ operators: `612 0 0 792 0 0 cm /X${10 + index} Do` })),
    extra,
  });
}
