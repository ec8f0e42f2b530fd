import iconv from "iconv-lite";
import { describe, expect, it } from "vitest";
import { pdfStream, writePdf } from "./builders/pdf-objects.ts";
import { openWorkspace } from "./workspace.ts";

type PageParts = {
  readonly operators: string;
  readonly font?: readonly string[];
  readonly annotations?: readonly string[];
};

const helvetica = ["<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"];

/** One page. The objects of its font are numbered from 10, its notes and form fields from 20. */
function pageOf({ operators, font = helvetica, annotations = [] }: PageParts): Buffer {
  const references = annotations.map((_text, index) => `${20 + index} 0 R`).join(" ");
  return writePdf(
    new Map([
      [1, `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [${references}] >> >>`],
      [2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"],
      [
        3,
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 10 0 R >> >> /Annots [${references}] >>`,
      ],
      [4, pdfStream("", operators)],
      ...font.map((text, index) => [10 + index, text] as const),
      ...annotations.map((text, index) => [20 + index, text] as const),
    ]),
  );
}

async function read(parts: PageParts) {
  const workspace = await openWorkspace();
  const path = await workspace.write("page.pdf", pageOf(parts));
  return await workspace.createExtractor().extract({ path, fileName: "page.pdf" });
}

/** Lines of text below each other; `strings` are PDF strings, with their brackets. */
function column(left: number, strings: readonly string[]): string {
  return strings.map((text, index) => `BT /F1 10 Tf ${left} ${700 - index * 12} Td ${text} Tj ET`).join("\n");
}

function composite(encoding: string, ordering: string, toUnicode: string): readonly string[] {
  return [
    `<< /Type /Font /Subtype /Type0 /BaseFont /Mill /Encoding /${encoding} /DescendantFonts [11 0 R] ${toUnicode} >>`,
    `<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Mill /CIDSystemInfo << /Registry (Adobe) /Ordering (${ordering}) /Supplement 0 >> /FontDescriptor 12 0 R /DW 500 >>`,
    "<< /Type /FontDescriptor /FontName /Mill /Flags 4 /FontBBox [0 -200 1000 800] /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>",
  ];
}

/** A font whose codes are the characters themselves. */
function unicodeFont(text: string): readonly string[] {
  const characters = [...new Set(text)].map((character) => `<${hex(character)}> <${hex(character)}>`);
  const map = `/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange ${characters.length} beginbfchar ${characters.join(" ")} endbfchar endcmap end`;
  return [...composite("Identity-H", "Identity", "/ToUnicode 13 0 R"), pdfStream("", map)];
}

function hex(text: string): string {
  return Buffer.from(text, "utf16le").swap16().toString("hex");
}

/** As programs write it: the glyphs from left to right, as they stand on the paper. */
function visual(text: string): string {
  return `<${hex([...text].toReversed().join(""))}>`;
}

describe("layouts of PDFs", () => {
  it("reads one column after the other, and joins no line of one with a line of the next", async () => {
    const left = [
      "(The mill race carries the water of the)",
      "(river from the weir to the wheel, which)",
      "(turns the stones above it.)",
    ];
    const right = [
      "(The miller sets the gates each morning)",
      "(before the first cart of the day comes)",
      "(down the lane to the yard.)",
    ];

    const extracted = await read({ operators: `${column(50, left)}\n${column(320, right)}` });

    expect(extracted.method).toBe("pdfjs");
    expect(extracted.text).toBe(
      "The mill race carries the water of the river from the weir to the wheel, which turns the stones above it.\n\n" +
        "The miller sets the gates each morning before the first cart of the day comes down the lane to the yard.",
    );
  });

  it("adds notes and the values of fields to a page, but neither what it says already nor names of check boxes", async () => {
    const extracted = await read({
      operators: column(50, ["(Owner of the mill)", "(Printed already)"]),
      annotations: [
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (owner) /V (Ann Miller) /Rect [50 600 200 620] /P 3 0 R >>",
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (again) /V (Printed already) /Rect [50 560 200 580] /P 3 0 R >>",
        "<< /Type /Annot /Subtype /Widget /FT /Ch /T (wheel) /V (Overshot) /Opt [(Overshot) (Undershot)] /Rect [50 520 200 540] /P 3 0 R >>",
        "<< /Type /Annot /Subtype /Widget /FT /Btn /T (agreed) /V /Yes1 /AS /Yes1 /Rect [50 480 60 490] /P 3 0 R >>",
        "<< /Type /Annot /Subtype /Text /Contents (Ask about the weir.) /Rect [300 600 320 620] >>",
        "<< /Type /Annot /Subtype /FreeText /Contents (Typed upon the page.) /DA (/Helv 10 Tf) /Rect [300 560 420 580] >>",
      ],
    });

    expect(extracted.method).toBe("pdfjs");
    const [page, notes] = extracted.text.split("\n\n");
    expect(page).toContain("Printed already");
    expect(notes?.split("\n").toSorted()).toEqual([
      "Ann Miller",
      "Ask about the weir.",
      "Overshot",
      "Typed upon the page.",
    ]);
  });

  it("says once what is drawn several times to look bold, also where the drawings are cut at other places", async () => {
    const at = (x: number, y: number, text: string) => `BT /F1 10 Tf ${x} ${y} Td (${text}) Tj ET`;
    const wholeWidth = 10 * 0.556 * 4;

    const extracted = await read({
      operators: [
        ...[at(50, 700, "2011"), at(50.3, 700, "2011"), at(50.3, 699.8, "2011 report of the mill")],
        ...[at(50, 650, "Code 3"), at(50.2, 650, "Code 30")],
        // The same figure twice beside each other is no drawing over itself.
        ...[at(50, 600, "2011"), at(50 + wholeWidth, 600, "2011")],
      ].join("\n"),
    });

    expect(extracted.text.split(/\n+/)).toEqual(["2011 report of the mill", "Code 30", "20112011"]);
  });

  it("leaves out the beginning of a piece that is drawn over the end of the one before", async () => {
    const digit = 5.56;

    const extracted = await read({
      operators: `BT /F1 10 Tf 50 700 Td (12345) Tj ET BT /F1 10 Tf ${50 + 3 * digit + 0.2} 700 Td (45678) Tj ET`,
    });

    expect(extracted.text).toBe("12345678");
  });

  it("puts the cells of a row into their order where the last is drawn first", async () => {
    const row = (y: number, cells: readonly [number, string][]) =>
      cells.map(([x, text]) => `BT /F1 10 Tf ${x} ${y} Td (${text}) Tj ET`).join("\n");

    const extracted = await read({
      operators: [
        row(700, [
          [400, "920.68"],
          [200, "Grain"],
          [50, "March"],
        ]),
        row(688, [
          [400, "17.30"],
          [200, "Stones"],
          [50, "April"],
        ]),
      ].join("\n"),
    });

    expect(extracted.text).toBe("March\tGrain\t920.68\nApril\tStones\t17.30");
  });

  it.each([
    ["against the clock", "0 1 -1 0", (line: number) => [100 + line * 12, 50]],
    ["with the clock", "0 -1 1 0", (line: number) => [500 - line * 12, 700]],
    ["upside down", "-1 0 0 -1", (line: number) => [500, 100 + line * 12]],
  ] as const)(
    "joins the lines of a page that is turned %s, as of any other",
    async (_name, turn, placeOf) => {
      const lines = [
        "The mill race carries the water of the river from the weir",
        "to the wheel, which turns the stones above it. The miller",
        "sets the gates.",
      ];

      const extracted = await read({
        operators: lines
          .map((line, index) => `BT /F1 10 Tf ${turn} ${placeOf(index).join(" ")} Tm (${line}) Tj ET`)
          .join("\n"),
      });

      expect(extracted.text).toBe(lines.join(" "));
    },
  );
});

describe("scripts in PDFs", () => {
  it("reads lines from right to left and joins them, except where one ends before its edge", async () => {
    const lines = [
      "המים באים מן הנהר אל הגלגל הגדול של",
      "הטחנה הישנה ליד הגשר.",
      "הטוחן פותח את השער בכל בוקר מוקדם.",
    ];
    const rightEdge = 400;
    const operators = lines.map(
      (line, index) =>
        `BT /F1 10 Tf ${rightEdge - line.length * 5} ${700 - index * 12} Td ${visual(line)} Tj ET`,
    );

    const extracted = await read({ font: unicodeFont(lines.join("")), operators: operators.join("\n") });

    expect(extracted.method).toBe("pdfjs");
    expect(extracted.text).toBe(`${lines[0]} ${lines[1]}\n${lines[2]}`);
  });

  it("reads columns drawn line by line from the right", async () => {
    const right = [
      "המים באים מן הנהר אל הגלגל, והגלגל",
      "מסובב את האבן הגדולה של הטחנה, אשר",
      "עומדת ליד הגשר הישן, ושם היא טוחנת",
      "את כל החיטה של הכפר, יום אחרי יום.",
    ];
    const left = [
      "הטוחן פותח את השער בכל בוקר מוקדם,",
      "לפני שהעגלה הראשונה באה מן השדות,",
      "וסוגר אותו בערב, אחרי שהאחרונה יצאה",
      "אל הדרך, והגלגל נח עד הבוקר שאחריו.",
    ];
    const draw = (text: string, rightEdge: number, row: number): string =>
      `BT /F1 10 Tf ${rightEdge - text.length * 5} ${700 - row * 12} Td ${visual(text)} Tj ET`;
    const operators = right.flatMap((text, row) => [draw(left[row] ?? "", 270, row), draw(text, 540, row)]);

    const extracted = await read({
      font: unicodeFont([...right, ...left].join("")),
      operators: operators.join("\n"),
    });

    expect(extracted.text).toBe(`${right.join(" ")}\n\n${left.join(" ")}`);
  });

  it("gives the letters for the shapes that Arabic letters and ligatures take within words", async () => {
    const shapes = "\uFEB3\uFEFC\uFEE1";

    const extracted = await read({
      font: unicodeFont(`${shapes}\uFB01e ld`),
      operators: column(50, [visual(shapes), `<${hex("\uFB01eld")}>`]),
    });

    expect(extracted.text.split(/\s+/)).toEqual(["سلام", "field"]);
  });

  it("reads Chinese whose codes only the character maps explain", async () => {
    const sentence = "磨坊在河边。磨坊主很满意,因为水流得很好。冬天小溪结冰,大家都在等春天。";
    const line = `<${iconv.encode(sentence, "gbk").toString("hex")}>`;

    const extracted = await read({
      font: composite("GBK-EUC-H", "GB1", ""),
      operators: column(50, [line, line, line, line]),
    });

    expect(extracted.method).toBe("pdfjs");
    expect(extracted.text).toBe(sentence.repeat(4));
  });
});
