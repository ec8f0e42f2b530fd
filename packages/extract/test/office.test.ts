import { utils, write } from "@e965/xlsx";
import iconv from "iconv-lite";
import { describe, expect, it } from "vitest";
import type { ExtractedText } from "../src/index.ts";
import {
  buildOpenDocument,
  buildPptx,
  buildXlsx,
  cell,
  chartOf,
  shape,
  slideTable,
} from "./builders/office.ts";
import { openWorkspace } from "./workspace.ts";

async function read(name: string, content: string | Uint8Array): Promise<ExtractedText> {
  const workspace = await openWorkspace();
  const path = await workspace.write(name, content);
  return await workspace.createExtractor().extract({ path, fileName: name });
}

function pagesOf(extracted: ExtractedText): readonly string[] {
  return extracted.pages.map((page) => extracted.text.slice(page.charStart, page.charEnd));
}

const levels = `<row r="1">${cell("A1", "Gate")}${cell("B1", "Level")}</row><row r="2">${cell("A2", "North")}<c r="B2"><v>1.2</v></c></row>`;

describe("XLSX", () => {
  it("reads sheets as pages with their names, rows as lines, and dates as people write them", async () => {
    const dates = `<row r="3"><c r="C3" t="s"><v>0</v></c><c r="E3" s="1"><v>45000</v></c></row>`;

    const extracted = await read(
      "levels.xlsx",
      buildXlsx(
        [
          { name: "Levels", rows: levels },
          { name: "Dates", rows: dates },
        ],
        { sharedTexts: ["measured"] },
      ),
    );

    expect(extracted).toMatchObject({ fileType: "xlsx", method: "sheetjs", warnings: [] });
    expect(pagesOf(extracted)[0]).toBe("# Levels\n\nGate | Level\nNorth | 1.2");
    expect(pagesOf(extracted)[1]).toBe("# Dates\n\n|  | measured |  | 3/15/23");
  });

  it("reads the rows before a damage", async () => {
    const extracted = await read(
      "cut.xlsx",
      buildXlsx([{ name: "Cut", rows: `${levels}<row r="3"><c></row>` }]),
    );

    expect(extracted.text).toContain("North | 1.2");
  });

  it("reads with the walker when the first method leaves a sheet out", async () => {
    const rows = `<row><c t="s"><v>0</v></c><c s="1"><v>45000</v></c></row>`;
    const file = buildXlsx([{ name: "Odd", rows }], { sharedTexts: ["measured"], hidesTexts: true });

    const extracted = await read("odd.xlsx", file);

    expect(extracted).toMatchObject({ method: "xlsx-walker", text: "# Odd\n\nmeasured | 45000" });
    expect(extracted.warnings.map(({ code }) => code)).toEqual(["numbers_as_stored"]);
  });

  it("reads the first rows of a sheet that is too long, and says so", async () => {
    const rows = Array.from({ length: 100_050 }, (_, index) => `<row><c><v>${index}</v></c></row>`).join("");

    const extracted = await read("long.xlsx", buildXlsx([{ name: "Long", rows }]));

    expect(extracted.text.endsWith("\n99999")).toBe(true);
    expect(extracted.warnings.map(({ code }) => code)).toContain("rows_left_out");
  });

  it("costs no time for two cells in far corners", async () => {
    const rows = `<row r="1">${cell("A1", "near")}</row><row r="90000">${cell("XFD90000", "far")}</row>`;

    const extracted = await read("far.xlsx", buildXlsx([{ name: "Far", rows }]));

    expect(extracted.text).toBe("# Far\n\nnear\n\nfar");
  });

  it("refuses a bomb before it is unpacked, and one that lies about its size", async () => {
    const bomb = buildXlsx([{ name: "Bomb", rows: levels }], { declaredSize: 0xf000_0000 });
    const lie = buildXlsx([{ name: "Lie", rows: cell("A1", "x".repeat(5_000_000)) }], { declaredSize: 100 });

    await expect(read("bomb.xlsx", bomb)).rejects.toMatchObject({ code: "extraction_limit_size" });
    await expect(read("lie.xlsx", lie)).rejects.toMatchObject({ code: "file_damaged" });
  });

  it("tells a sheet without text from a damaged one", async () => {
    await expect(read("empty.xlsx", buildXlsx([{ name: "Empty", rows: "" }]))).rejects.toMatchObject({
      code: "no_text_found",
    });
  });
});

describe("XLS and XLSB", () => {
  it.each([
    ["biff8", "xls", "sheetjs-xls"],
    ["biff5", "xls", "sheetjs-xls"],
    ["xlsb", "xlsx", "sheetjs"],
  ] as const)("reads %s", async (bookType, fileType, method) => {
    const workbook = utils.book_new();
    utils.book_append_sheet(
      workbook,
      utils.aoa_to_sheet([
        ["Gate", "Level"],
        ["North", 1.5],
      ]),
      "Levels",
    );
    const bytes: unknown = write(workbook, { type: "buffer", bookType });

    const extracted = await read("levels.bin", bytes instanceof Uint8Array ? bytes : "");

    expect(extracted).toMatchObject({ fileType, method });
    expect(extracted.text).toBe("# Levels\n\nGate | Level\nNorth | 1.5");
  });

  it("says of another program's old file that it is old", async () => {
    const head = Buffer.alloc(4096);
    head.write("d0cf11e0a1b11ae1", 0, "hex");

    await expect(read("letter.xls", head)).rejects.toMatchObject({ code: "file_encrypted_or_legacy" });
  });
});

describe("PPTX", () => {
  it("reads slides as pages that begin with their title, tables, and what the speaker notes", async () => {
    const extracted = await read(
      "talk.pptx",
      buildPptx([
        { shapes: shape("7", "sldNum") + shape("The race carries water.") + shape("The mill", "title") },
        {
          shapes: slideTable([
            ["Gate", "Level"],
            ["North", "1.2"],
          ]),
          notes: "Ask who opens it.",
        },
        { shapes: "" },
      ]),
    );

    expect(extracted).toMatchObject({ fileType: "pptx", method: "pptx-walker", warnings: [] });
    expect(pagesOf(extracted)).toEqual([
      "# The mill\n\nThe race carries water.",
      "# Slide 2\n\nGate | Level\nNorth | 1.2\n\nAsk who opens it.",
      "",
    ]);
  });

  it("reads titles and names of charts, each once, without their figures", async () => {
    const chart = chartOf("Grain by year", ["Wheat", "Rye"], ["2024", "2025"]);

    const extracted = await read("chart.pptx", buildPptx([{ shapes: shape("The mill", "title"), chart }]));

    expect(extracted.text).toBe("# The mill\n\nGrain by year\nWheat | 2024 | 2025 | Rye");
  });

  it("reads the slides before a damaged one, and says so", async () => {
    const extracted = await read(
      "cut.pptx",
      buildPptx([{ shapes: shape("The first slide is whole.") }, { shapes: "<p:sp><broken" }]),
    );

    expect(extracted.text).toContain("The first slide is whole.");
    expect(extracted.warnings.map(({ code }) => code)).toEqual(["text_incomplete"]);
  });
});

describe("OpenDocument", () => {
  it("reads texts with headings, lists and tables", async () => {
    const body = `<text:h text:outline-level="2">The  mill</text:h><text:p>It<text:s text:c="3"/>turns<text:line-break/>slowly.<office:annotation><text:p>A comment.</text:p></office:annotation></text:p><table:table><table:table-row><table:table-cell><text:p>Gate</text:p></table:table-cell><table:table-cell><text:p>1.2</text:p></table:table-cell></table:table-row></table:table>`;

    const extracted = await read("mill.odt", buildOpenDocument("text", body, { title: "Of mills" }));

    expect(extracted).toMatchObject({ fileType: "odt", method: "odf-walker", title: "Of mills", pages: [] });
    expect(extracted.text).toBe("## The mill\n\nIt   turns\nslowly.\n\nGate | 1.2");
  });

  it("reads sheets with their names, and repeated cells as often as a table may have them", async () => {
    const text = (value: string): string => `<text:p>${value}</text:p>`;
    const body = `<table:table table:name="Levels"><table:table-row><table:table-cell>${text("Gate")}</table:table-cell><table:table-cell table:number-columns-repeated="2"/><table:table-cell table:number-columns-repeated="2">${text("1.2")}</table:table-cell></table:table-row><table:table-row table:number-rows-repeated="1048575"><table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table><table:table table:name="Bomb"><table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="1000000">${text("x")}</table:table-cell></table:table-row></table:table>`;

    const extracted = await read("levels.ods", buildOpenDocument("spreadsheet", body));

    expect(extracted).toMatchObject({ fileType: "ods", method: "odf-walker" });
    expect(pagesOf(extracted)[0]).toBe("# Levels\n\nGate |  |  | 1.2 | 1.2");
    expect(extracted.warnings.map(({ code }) => code)).toEqual(["repetitions_left_out"]);
  });

  it("reads slides with their titles and notes", async () => {
    const frame = (text: string, kind: string): string =>
      `<draw:frame presentation:class="${kind}"><draw:text-box><text:p>${text}</text:p></draw:text-box></draw:frame>`;
    const body = `<draw:page draw:name="page1">${frame("The mill", "title")}${frame("It turns.", "outline")}<presentation:notes>${frame("Speak up.", "notes")}</presentation:notes></draw:page><draw:page draw:name="page2">${frame("The end.", "outline")}</draw:page>`;

    const extracted = await read("talk.odp", buildOpenDocument("presentation", body));

    expect(extracted).toMatchObject({ fileType: "odp", method: "odf-walker" });
    expect(pagesOf(extracted)).toEqual(["# The mill\n\nIt turns.\n\nSpeak up.", "# Slide 2\n\nThe end."]);
  });

  it("says of an encrypted one that it is encrypted", async () => {
    const file = buildOpenDocument("text", "<text:p>x</text:p>", { isEncrypted: true });

    await expect(read("secret.odt", file)).rejects.toMatchObject({ code: "file_encrypted_or_legacy" });
  });

  it("leaves entities that it does not know as they are", async () => {
    const extracted = await read("xxe.odt", buildOpenDocument("text", "<text:p>start &e; end</text:p>"));

    expect(extracted.text).toBe("start &e; end");
  });
});

describe("RTF", () => {
  it("reads paragraphs, headings, tables and characters beyond the alphabet", async () => {
    const rtf = String.raw`{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}}{\info{\title Of mills}}{\*\generator x;}{\header Page 7}
\pard\outlinelevel0 The mill\par\pard It turns\emdash slowly, says M\'fcller \u9731?.\line {\f1\'cc\'ee\'f1\'ea\'e2\'e0}\par
\trowd\intbl Gate\cell Level\cell\row\trowd\intbl North\cell 1.2\cell\row\pard {\pict\bin5 }}}}}}The end.\par}`;

    const extracted = await read("mill.rtf", rtf);

    expect(extracted).toMatchObject({ fileType: "rtf", method: "rtf-scanner", title: "Of mills" });
    expect(extracted.text).toBe(
      "# The mill\n\nIt turns—slowly, says Müller ☃.\nМосква\n\nGate | Level\nNorth | 1.2\n\nThe end.",
    );
  });

  it("reads characters of two bytes", async () => {
    const bytes = [...iconv.encode("ゾルゲ事件", "cp932")].map(
      (byte) => `\\'${byte.toString(16).padStart(2, "0")}`,
    );

    const extracted = await read("jp.rtf", `{\\rtf1\\ansi\\ansicpg932 ${bytes.join("")}\\par}`);

    expect(extracted.text).toBe("ゾルゲ事件");
  });

  it("takes any depth of groups, and a picture that claims more bytes than there are", async () => {
    const deep = `{\\rtf1 ${"{\\b ".repeat(500_000)}deep${"}".repeat(500_001)}`;

    expect((await read("deep.rtf", deep)).text).toBe("deep");
    expect((await read("bin.rtf", String.raw`{\rtf1 hello \bin2000000000 abc world}`)).text).toBe("hello");
  });
});
