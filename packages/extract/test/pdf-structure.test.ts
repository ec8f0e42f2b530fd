import { describe, expect, it } from "vitest";
import { extractWithPdfjs } from "../src/methods/pdf/pdfjs.ts";
import { buildLayout } from "./builders/pdf.ts";
import type { PlacedText } from "./builders/pdf.ts";
import { openWorkspace } from "./workspace.ts";

async function readPages(pages: readonly (readonly PlacedText[])[]): Promise<readonly string[]> {
  const workspace = await openWorkspace();
  const path = await workspace.write("layout.pdf", buildLayout(pages));
  const input = { path, folder: workspace.root, reportPages: () => undefined };
  return (await extractWithPdfjs(input)).parts;
}

async function headingsOf(pages: readonly (readonly PlacedText[])[]): Promise<readonly string[]> {
  const parts = await readPages(pages);
  return parts.flatMap((part) => part.match(/^#+ .*$/gm) ?? []);
}

/** Lines below each other, 12 points apart. */
function lines(y: number, texts: readonly string[], place: Partial<PlacedText> = {}): readonly PlacedText[] {
  return texts.map((text, index) => ({ x: 72, ...place, text, y: y - index * 12 }));
}

const race = [
  "The mill race carries the water of the river from the weir to the wheel,",
  "which turns the stones above it, and from there it flows back to the river",
  "below the bridge.",
];
const miller = [
  "The miller sets the gates each morning before the first cart of the day",
  "comes down the lane to the yard, and closes them when the last one leaves.",
];

/** Two or more columns, drawn line by line over the whole width. */
function acrossColumns(
  y: number,
  columns: readonly (readonly string[])[],
  lefts: readonly number[],
): readonly PlacedText[] {
  const rows = Math.max(...columns.map((column) => column.length));
  return Array.from({ length: rows }, (_unused, row) =>
    columns.flatMap((column, index) => {
      const text = column[row];
      return text === undefined ? [] : [{ text, x: lefts[index] ?? 0, y: y - row * 12 }];
    }),
  ).flat();
}

const leftColumn = [
  "The mill race carries the water of the",
  "river from the weir to the wheel, which",
  "turns the stones above it. In winter the",
  "race freezes from its banks, and men of",
  "the village break the ice with bars.",
];
const middleColumn = [
  "Grain comes by cart from the farms of",
  "the valley, and is weighed at the door",
  "before it goes up to the loft. From the",
  "loft it falls through a hopper into the",
  "eye of the stone that turns.",
];
const rightColumn = [
  "The miller sets the gates each morning",
  "before the first cart of the day comes",
  "down the lane to the yard. He closes all",
  "of them when the last one leaves, and the",
  "wheel comes to its rest.",
];

describe("headings of PDFs", () => {
  it("marks what is larger than the text, by levels of size", async () => {
    const [page] = await readPages([
      [
        { text: "Mills of the valley", x: 72, y: 720, size: 22 },
        ...lines(690, ["By Ann Miller and others"]),
        { text: "1. Water", x: 72, y: 660, size: 16 },
        ...lines(640, race),
        { text: "1.1 The gates", x: 72, y: 590, size: 13 },
        ...lines(572, miller),
        { text: "2. Grain", x: 72, y: 530, size: 16 },
        ...lines(510, race),
        { text: "2.1 The carts", x: 72, y: 460, size: 13 },
        ...lines(442, miller),
      ],
    ]);

    expect(page?.match(/^#+ .*$/gm)).toEqual([
      "# Mills of the valley",
      "## 1. Water",
      "### 1.1 The gates",
      "## 2. Grain",
      "### 2.1 The carts",
    ]);
    expect(page).toContain(
      `By Ann Miller and others\n\n## 1. Water\n\n${race.join(" ")}\n\n### 1.1 The gates`,
    );
  });

  it("marks lines in a font of their own with space above, and joins a heading of two lines", async () => {
    const page = [
      { text: "How the water of the river came to the wheel, and", x: 72, y: 720, size: 16 },
      { text: "who paid for the race", x: 72, y: 701, size: 16 },
      ...lines(670, race),
      { text: "The gates", x: 72, y: 614, font: "F2" as const },
      ...lines(602, miller),
      { text: "The carts", x: 72, y: 560, font: "F2" as const },
      ...lines(548, miller),
    ];

    expect(await headingsOf([page])).toEqual([
      "# How the water of the river came to the wheel, and who paid for the race",
      "## The gates",
      "## The carts",
    ]);
  });

  it("takes the headings that a tagged file names, whatever their size", async () => {
    const headings = await headingsOf([
      [
        { text: "Mills of the valley", x: 72, y: 720, role: "H1" },
        ...lines(700, race).map((line) => ({ ...line, role: "P" })),
        { text: "Shown large, but no heading", x: 72, y: 640, size: 20, role: "P" },
        ...lines(610, miller).map((line) => ({ ...line, role: "P" })),
      ],
      [
        { text: "The gates", x: 72, y: 720, role: "H3" },
        ...lines(700, miller).map((line) => ({ ...line, role: "P" })),
      ],
    ]);

    expect(headings).toEqual(["# Mills of the valley", "### The gates"]);
  });

  it("goes by sizes where a tagged file names no headings", async () => {
    const pages = ["The race", "The gates"].map((text) => [
      { text, x: 72, y: 720, size: 16, role: "P" },
      ...lines(700, [...race, ...miller]).map((line) => ({ ...line, role: "P" })),
    ]);

    expect(await headingsOf(pages)).toEqual(["# The race", "# The gates"]);
  });

  it("leaves out what repeats on pages, page numbers included", async () => {
    const pages = ["The race", "The gates", "The carts", "The stones"].map((text, index) => [
      { text: "Mills of the valley", x: 72, y: 760, size: 14 },
      { text: `Chapter of mills, page ${index + 11}`, x: 400, y: 740, size: 14 },
      { text, x: 72, y: 700, size: 18 },
      ...lines(680, [...race, ...miller]),
      { text: String(index + 11), x: 300, y: 40, size: 14 },
    ]);

    expect(await headingsOf(pages)).toEqual(["# The race", "# The gates", "# The carts", "# The stones"]);
  });

  it("keeps numbered chapters, whose numbers do not follow the pages", async () => {
    const chapter = (number: number) => [
      { text: `Chapter ${number}`, x: 72, y: 700, size: 18 },
      ...lines(680, [...race, ...miller]),
    ];
    const plain = lines(700, [...race, ...miller]);

    expect(await headingsOf([chapter(1), plain, chapter(2), plain, plain, chapter(3)])).toEqual([
      "# Chapter 1",
      "# Chapter 2",
      "# Chapter 3",
    ]);
  });

  it("finds none in a letter", async () => {
    const letter = [
      { text: "Mill & Daughters Ltd", x: 72, y: 740, size: 20, font: "F2" as const },
      ...lines(715, ["12 Mill Lane, Milltown", "Telephone 01234 567890"]),
      ...lines(670, ["Mr Ben Carter", "The Farm", "Milltown"]),
      ...lines(610, ["3 May 2026"]),
      { text: "Delivery of grain on Friday", x: 72, y: 580, font: "F2" as const },
      ...lines(556, ["Dear Mr Carter,"]),
      ...lines(532, race),
      ...lines(484, miller),
      ...lines(448, ["Yours sincerely,"]),
      ...lines(400, ["Ann Miller"]),
    ];

    expect(await headingsOf([letter])).toEqual([]);
  });

  it("finds none in an invoice", async () => {
    const rows = ["Flour, fine", "Flour, coarse", "Bran"].flatMap((text, index) => [
      { text, x: 72, y: 560 - index * 14 },
      { text: `${index + 2}`, x: 300, y: 560 - index * 14 },
      { text: `${(index + 1) * 12}.50`, x: 450, y: 560 - index * 14 },
    ]);
    const invoice = [
      { text: "INVOICE", x: 72, y: 740, size: 24, font: "F2" as const },
      { text: "Bill to", x: 72, y: 700, font: "F2" as const },
      ...lines(688, ["Ben Carter", "The Farm", "Milltown"]),
      { text: "Ship to", x: 72, y: 634, font: "F2" as const },
      ...lines(622, ["The Bakery", "High Street 4"]),
      { text: "Item", x: 72, y: 580, font: "F2" as const },
      { text: "Count", x: 300, y: 580, font: "F2" as const },
      { text: "Price", x: 450, y: 580, font: "F2" as const },
      ...rows,
      { text: "Total 75.00", x: 400, y: 500, size: 14, font: "F2" as const },
      ...lines(460, ["Please pay within 30 days to the account below."]),
    ];

    expect(await headingsOf([invoice])).toEqual([]);
  });

  it("takes no number sign of a footnote for that of a heading", async () => {
    const [page] = await readPages([lines(700, [...race, "# Closed in winter."])]);

    expect(page).toMatch(/^ # Closed in winter\.$/m);
  });

  it("takes no commands, captions, quotations or bold sentences for headings", async () => {
    const page = [
      ...lines(740, race),
      { text: "npm install millrace", x: 72, y: 690, font: "F3" as const },
      ...lines(666, miller),
      { text: "npm run millrace", x: 72, y: 630, font: "F3" as const },
      ...lines(606, race),
      { text: "Figure 1 The wheel", x: 72, y: 540, font: "F2" as const },
      ...lines(516, miller),
      { text: "Figure 2 The weir", x: 72, y: 480, font: "F2" as const },
      ...lines(456, race),
      { text: "Water is patient, and wheels are not.", x: 72, y: 400, size: 16 },
      ...lines(370, race),
      { text: "Close the gates at night.", x: 72, y: 310, font: "F2" as const },
      ...lines(286, miller),
      { text: "Open them in the morning.", x: 72, y: 240, font: "F2" as const },
      ...lines(216, miller),
    ];

    expect(await headingsOf([page])).toEqual([]);
  });
});

describe("columns that a PDF draws line by line", () => {
  const left = leftColumn.join(" ");
  const middle = middleColumn.join(" ");
  const right = rightColumn.join(" ");

  it("reads two columns one after the other", async () => {
    const [page] = await readPages([acrossColumns(700, [leftColumn, rightColumn], [50, 320])]);

    expect(page).toBe(`${left}\n\n${right}`);
  });

  it("reads two columns whose lines are not on the same height", async () => {
    const [page] = await readPages([
      acrossColumns(700, [leftColumn, rightColumn], [50, 320]).map((text) =>
        text.x === 320 ? { ...text, y: text.y - 5 } : text,
      ),
    ]);

    expect(page).toBe(`${left}\n\n${right}`);
  });

  it("reads three columns one after the other", async () => {
    const [page] = await readPages([
      acrossColumns(700, [leftColumn, middleColumn, rightColumn], [20, 220, 420]),
    ]);

    expect(page).toBe(`${left}\n\n${middle}\n\n${right}`);
  });

  it("reads what goes over all columns between those above and those below", async () => {
    const [page] = await readPages([
      [
        {
          text: "A title that goes over the whole width of the page, from the left to the right",
          x: 50,
          y: 740,
          size: 13,
        },
        ...acrossColumns(710, [leftColumn, middleColumn], [50, 320]),
        {
          text: "Here a line stands over both columns and parts what is above from what is below.",
          x: 80,
          y: 630,
        },
        ...acrossColumns(610, [rightColumn, middleColumn], [50, 320]),
      ],
    ]);

    const places = ["A title", left, middle, "Here a line", right].map((text) => page?.indexOf(text) ?? -1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(page?.endsWith(middle)).toBe(true);
  });

  it("joins the lines of a list item whose mark stands far before it", async () => {
    const marks = ["1.", "(b)", "*"].map((text, index) => ({ text, x: 50, y: 700 - index * 24 }));
    const placed = marks.flatMap((mark) => [mark, ...lines(mark.y, race.slice(0, 2), { x: 90 })]);

    const [page] = await readPages([placed]);

    expect(page?.split("\n").map((line) => line.replace(/^\S+ /, ""))).toEqual(
      marks.map(() => race.slice(0, 2).join(" ")),
    );
  });

  it("leaves tables row by row", async () => {
    const tables = [
      ["North gate of the race", "South gate", "Weir", "Bridge over the lane", "Wheel pit", "Old stone"].map(
        (name, row) => [name, `${row + 1}.20 m`, "in good repair"],
      ),
      [
        "the wheel at the river",
        "the stone on the floor",
        "the sack of the carter",
        "the lane to the yard",
      ].map((name) => [name, "das ist das Wort dafür", "le mot pour cela"]),
      [
        "Ann Miller keeps the keys",
        "Ben Carter drives the cart",
        "Cid Weaver mends the sacks",
        "Dan Smith shoes the horse",
      ].map((name) => [name, "Lives beside the mill since 1990", ""]),
    ];

    for (const table of tables) {
      const placed = table.flatMap((cells, row) =>
        cells.map((text, column) => ({ text, x: 50 + column * 180, y: 700 - row * 14 })),
      );
      const [page] = await readPages([placed]);
      expect(page?.split("\n")).toEqual(table.map((cells) => cells.filter((cell) => cell !== "").join("\t")));
    }
  });
});
