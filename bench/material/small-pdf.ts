const charactersPerLine = 85;
const linesPerPage = 48;

/** A plain PDF of a few pages with the text in Helvetica. The text must be ASCII. */
export function smallPdf(text: string): Buffer {
  const pages = pagesOf(text);
  const font = 3 + pages.length * 2;
  const kids = pages.map((_, index) => `${3 + index * 2} 0 R`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    ...pages.flatMap((lines, index) => {
      const content = pageContent(lines);
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${4 + index * 2} 0 R /Resources << /Font << /F1 ${font} 0 R >> >> >>`,
        `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
      ];
    }),
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ];
  return assemble(objects);
}

function pagesOf(text: string): string[][] {
  const line = new RegExp(`.{1,${charactersPerLine}}(?:\\s|$)`, "g");
  const lines = text.split("\n").flatMap((paragraph) => paragraph.match(line) ?? [""]);
  const pages: string[][] = [];
  for (let start = 0; start < lines.length; start += linesPerPage)
    pages.push(lines.slice(start, start + linesPerPage));
  return pages;
}

function pageContent(lines: readonly string[]): string {
  const shown = lines.map((line) => `(${line.trim().replace(/[\\()]/g, "\\$&")}) Tj T*`);
  return `BT /F1 11 Tf 14 TL 50 740 Td\n${shown.join("\n")}\nET`;
}

function assemble(objects: readonly string[]): Buffer {
  let file = "%PDF-1.4\n";
  const offsets = objects.map((object, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const entries = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const size = objects.length + 1;
  return Buffer.from(
    `${file}xref\n0 ${size}\n0000000000 65535 f \n${entries}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`,
    "latin1",
  );
}
