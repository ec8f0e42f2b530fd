import iconv from "iconv-lite";
import { describe, expect, it } from "vitest";
import { openWorkspace } from "./workspace.ts";

async function read(name: string, content: string | Uint8Array) {
  const workspace = await openWorkspace();
  const path = await workspace.write(name, content);
  return await workspace.createExtractor().extract({ path, fileName: name });
}

describe("separated values", () => {
  it("reads rows as lines, quotes and line ends in cells resolved", async () => {
    const extracted = await read(
      "levels.csv",
      'Gate,Level,Note\r\nNorth,1.20,"opened, then ""closed"""\r\nSouth,0.80,"first line\nsecond line"\r\n',
    );

    expect(extracted).toMatchObject({
      fileType: "csv",
      method: "csv-parse",
      encoding: "utf-8",
      warnings: [],
    });
    expect(extracted.text).toBe(
      'Gate | Level | Note\nNorth | 1.20 | opened, then "closed"\nSouth | 0.80 | first line second line',
    );
  });

  it.each([
    ["semicolons", "levels.csv", "Gate;Level\nNorth;1,20\nSouth;0,80\n"],
    ["tabs", "levels.tsv", "Gate\tLevel\nNorth\t1,20\nSouth\t0,80\n"],
    ["bars", "levels.csv", "Gate|Level\nNorth|1,20\nSouth|0,80\n"],
  ])("finds out that cells are separated by %s", async (_separator, name, content) => {
    const extracted = await read(name, content);

    expect(extracted.text).toBe("Gate | Level\nNorth | 1,20\nSouth | 0,80");
  });

  it("reads encodings as plain text does", async () => {
    const extracted = await read(
      "preise.csv",
      iconv.encode("Wehr;Preis\nMühle;5 €\nSäge;7 €\n", "windows-1252"),
    );

    expect(extracted).toMatchObject({ encoding: "windows-1252" });
    expect(extracted.text).toContain("Mühle | 5 €");
  });

  it("names the rows with more or fewer cells than the first", async () => {
    const extracted = await read("odd.csv", "Gate,Level\nNorth,1\nSouth\nEast,2,3\n");

    expect(extracted.text).toBe("Gate | Level\nNorth | 1\nSouth\nEast | 2 | 3");
    expect(extracted.warnings).toEqual([{ code: "rows_uneven", message: expect.stringContaining("2 rows") }]);
    expect(extracted.warnings[0]?.message).toContain("row 3, 4");
  });

  it("repeats the names of the columns above later rows", async () => {
    const rows = Array.from({ length: 200 }, (_unused, index) => `Gate ${index},${index}`).join("\n");

    const extracted = await read("long.csv", `Gate,Level\n${rows}\n`);

    const blocks = extracted.text.split("\n\n");
    expect(blocks.length).toBeGreaterThan(2);
    expect(blocks.every((block) => block.startsWith("Gate | Level\n"))).toBe(true);
    expect(extracted.text).toContain("Gate 199 | 199");
  });

  it("reads each line as a row where a quote is never closed, and says so", async () => {
    const extracted = await read("quote.csv", 'Gate,Level\nNorth,"1\nSouth,2\n');

    expect(extracted).toMatchObject({ method: "papaparse", text: 'Gate | Level\nNorth | "1\nSouth | 2' });
    expect(extracted.warnings.map(({ code }) => code)).toEqual(["quotes_unbalanced"]);
  });

  it("ends with a warning what is longer than can be kept", async () => {
    const extracted = await read("huge.csv", `Gate,Level\n${"North gate of the mill,1\n".repeat(3_000_000)}`);

    expect(extracted.method).toBe("csv-parse");
    expect(extracted.warnings.map(({ code }) => code)).toEqual(["text_truncated"]);
  });

  it("reads line by line a file of 100 MB whose first quote is never closed", async () => {
    const extracted = await read("unterminated.csv", `a,b\n"${"x,y,z\n".repeat(17_000_000)}`);

    expect(extracted.method).toBe("papaparse");
    expect(extracted.warnings.map(({ code }) => code)).toContain("text_truncated");
  });

  it("refuses a file of 100 MB in one line", async () => {
    await expect(read("oneline.csv", "a,".repeat(50_000_000))).rejects.toMatchObject({
      code: "extraction_limit_size",
    });
  });
});
