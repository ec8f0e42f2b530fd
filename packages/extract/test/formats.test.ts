import { relative } from "node:path";
import iconv from "iconv-lite";
import { describe, expect, it } from "vitest";
import { isFolderName } from "../src/pool/folder-name.ts";
import { buildDocx, importedAs, paragraph, table } from "./builders/docx.ts";
import { chartOf } from "./builders/office.ts";
import { buildPdf } from "./builders/pdf.ts";
import { openWorkspace } from "./workspace.ts";

describe("PDF", () => {
  it("reads every page, joins lines to sentences and says where pages lie", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "report.pdf",
      buildPdf({
        title: "Water levels",
        pages: [
          {
            lines: [
              "The mill race carries water from the weir to the wheel, and its gates are ope-",
              "ned every morning before the first cart arrives at the yard of the old mill.",
              "A short last line.",
            ],
          },
          { lines: ["The second page stands by itself and says something else entirely."] },
        ],
      }),
    );

    const extracted = await workspace.createExtractor().extract({ path, fileName: "report.pdf" });

    expect(extracted).toMatchObject({
      fileType: "pdf",
      method: "pdfjs",
      title: "Water levels",
      encoding: null,
    });
    expect(extracted.text).toContain("gates are opened every morning before");
    const pages = extracted.pages.map((page) => extracted.text.slice(page.charStart, page.charEnd));
    expect(pages).toHaveLength(2);
    expect(pages[1]).toBe("The second page stands by itself and says something else entirely.");
    expect(extracted.warnings).toEqual([]);
  });

  it("reports pages while it reads", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "two.pdf",
      buildPdf({ pages: [{ lines: ["One page of text."] }, { lines: ["Another page of text."] }] }),
    );
    const seen: unknown[] = [];

    await workspace
      .createExtractor()
      .extract({ path, fileName: null, onProgress: (progress) => seen.push(progress) });

    expect(seen).toContainEqual({ done: 2, total: 2, unit: "pages" });
  });

  it("warns of pages without text", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "half.pdf",
      buildPdf({ pages: [{ lines: ["A page with enough text to count as a page."] }, { operators: "" }] }),
    );

    const extracted = await workspace.createExtractor().extract({ path, fileName: "half.pdf" });

    expect(extracted.warnings.map((warning) => warning.code)).toEqual(["pages_without_text"]);
  });

  it("says that a scan needs OCR", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("scan.pdf", buildPdf({ pages: [{ operators: "0 0 100 100 re f" }] }));

    const extraction = workspace.createExtractor().extract({ path, fileName: "scan.pdf" });

    await expect(extraction).rejects.toMatchObject({ code: "no_text_found", retryable: false });
  });

  it("refuses one that asks for a password", async () => {
    const workspace = await openWorkspace();
    const pdf = buildPdf({ pages: [{ lines: ["Secret."] }], userPassword: "mill" });
    const path = await workspace.write("locked.pdf", pdf);

    const extraction = workspace.createExtractor().extract({ path, fileName: "locked.pdf" });

    await expect(extraction).rejects.toMatchObject({ code: "pdf_encrypted" });
  });

  it("refuses a broken one after both methods tried", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "broken.pdf",
      Buffer.from("%PDF-1.7\n%\u00e2\u00e3\nnothing here", "latin1"),
    );

    const extraction = workspace.createExtractor().extract({ path, fileName: "broken.pdf" });

    await expect(extraction).rejects.toMatchObject({ code: "file_damaged", retryable: false });
  });

  it("recovers the text of one whose index is lost", async () => {
    const workspace = await openWorkspace();
    const pdf = buildPdf({ pages: [{ lines: ["The text survives the loss of the index at the end."] }] });
    const damaged = pdf.toString("latin1").replace(/startxref\n\d+/, "startxref\n1");
    const path = await workspace.write("cut.pdf", Buffer.from(damaged, "latin1"));

    const extracted = await workspace.createExtractor().extract({ path, fileName: "cut.pdf" });

    expect(extracted.text).toContain("survives the loss");
  });
});

describe("DOCX", () => {
  it("keeps table rows on lines and cells apart", async () => {
    const workspace = await openWorkspace();
    const body =
      paragraph("Before the table.") +
      table([
        ["Gate", "Level"],
        ["North", "1.20 m"],
      ]) +
      paragraph("After it.");
    const path = await workspace.write("levels.docx", buildDocx({ body, title: "Levels &amp; gates" }));

    const extracted = await workspace.createExtractor().extract({ path, fileName: "levels.docx" });

    expect(extracted).toMatchObject({
      fileType: "docx",
      method: "mammoth",
      title: "Levels & gates",
      pages: [],
    });
    expect(extracted.text).toBe("Before the table.\n\nGate | Level\nNorth | 1.20 m\n\nAfter it.");
  });

  it("reads what is too deep for a tree with the walker", async () => {
    const workspace = await openWorkspace();
    const depth = 4_000;
    const body = `${"<w:sdt><w:sdtContent>".repeat(depth / 4)}${paragraph("At the bottom.")}${"</w:sdtContent></w:sdt>".repeat(depth / 4)}`;
    const broken = buildDocx({ body: `${body}<w:p><w:unclosed>` });
    const path = await workspace.write("deep.docx", broken);

    const extracted = await workspace.createExtractor().extract({ path, fileName: "deep.docx" });

    expect(extracted).toMatchObject({ method: "docx-walker", text: "At the bottom." });
    expect(extracted.warnings.map((warning) => warning.code)).toEqual(["text_incomplete"]);
  });

  it("keeps cells apart in the walker as well", async () => {
    const workspace = await openWorkspace();
    const body = `${table([
      ["a", "b"],
      ["c", "d"],
    ])}${paragraph("End.")}<w:p><w:unclosed>`;
    const path = await workspace.write("walk.docx", buildDocx({ body }));

    const extracted = await workspace.createExtractor().extract({ path, fileName: "walk.docx" });

    expect(extracted.text.replace(/ +/g, " ")).toBe("a | b\nc | d\n\nEnd.");
  });

  it("reads web pages that it takes in, in their places, and says what it can't read of such parts", async () => {
    const workspace = await openWorkspace();
    const mail = [
      "MIME-Version: 1.0",
      'Content-Type: multipart/related; type="text/html"; boundary="mill"',
      "",
      "--mill",
      'Content-Type: text/html; charset="windows-1252"',
      "Content-Transfer-Encoding: quoted-printable",
      "",
      "<p>The m=FCller sets the gates.</p>",
      "--mill--",
    ].join("\r\n");
    const imported = [
      { name: "page.html", content: "<h2>Levels</h2><table><tr><td>North</td><td>1.20 m</td></tr></table>" },
      { name: "page.mht", content: mail },
      { name: "page.rtf", content: "{\\rtf1 Not here}" },
    ];
    const body = `${paragraph("Before.")}${importedAs(0)}${paragraph("Between.")}${importedAs(1)}${importedAs(2)}`;
    const path = await workspace.write("made.docx", buildDocx({ body, imported }));

    const extracted = await workspace.createExtractor().extract({ path, fileName: "made.docx" });

    expect(extracted.text).toBe(
      "Before.\n\n## Levels\n\nNorth | 1.20 m\n\nBetween.\n\nThe müller sets the gates.",
    );
    expect(extracted.warnings.map(({ code }) => code)).toEqual(["attachment_left_out"]);
  });

  it("reads what its charts say, behind the text", async () => {
    const workspace = await openWorkspace();
    const chart = chartOf("Grain by year", ["Wheat"], ["2024", "2025"]);
    const path = await workspace.write("chart.docx", buildDocx({ body: paragraph("The mill."), chart }));

    const extracted = await workspace.createExtractor().extract({ path, fileName: "chart.docx" });

    expect(extracted).toMatchObject({
      method: "mammoth",
      text: "The mill.\n\nGrain by year\nWheat | 2024 | 2025",
    });
  });

  it("expands no entities", async () => {
    const workspace = await openWorkspace();
    const prologue = `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`;
    const path = await workspace.write("xxe.docx", buildDocx({ prologue, body: paragraph("start &e; end") }));

    const extraction = workspace.createExtractor().extract({ path, fileName: "xxe.docx" });

    await expect(extraction).rejects.toMatchObject({ code: "file_damaged" });
  });
});

describe("HTML", () => {
  it("reads what is in no file, and leaves nothing that the next start would not know", async () => {
    const workspace = await openWorkspace();
    const reading = workspace.createExtractor().extractContent("<h1>The mill</h1>", { fileName: "a.html" });

    await expect.poll(async () => (await workspace.leftovers()).folders).not.toEqual([]);
    const { folders } = await workspace.leftovers();
    expect(folders.filter((name) => !isFolderName(name))).toEqual([]);
    expect(await reading).toMatchObject({ fileType: "html", text: "# The mill" });
  });

  it("keeps headings, lists and tables and leaves out scripts and navigation", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "page.html",
      `<!doctype html><html><head><title>Mill &amp; wheel</title><style>p{}</style></head><body>
       <nav><a href="/">Home</a></nav><h1>The mill</h1><p>It turns <b>slowly</b>.</p>
       <ul><li>weir</li><li>race</li></ul>
       <table><tr><th>Gate</th><th>Level</th></tr><tr><td><p>North</p></td><td>1.2</td></tr></table>
       <p hidden>never seen</p><script>alert(1)</script></body></html>`,
    );

    const extracted = await workspace.createExtractor().extract({ path, fileName: "page.html" });

    expect(extracted).toMatchObject({ fileType: "html", method: "html-to-text", title: "Mill & wheel" });
    expect(extracted.text).toBe(
      "# The mill\n\nIt turns slowly.\n\n- weir\n- race\n\nGate | Level\nNorth | 1.2",
    );
  });

  it("reads the encoding the page declares", async () => {
    const workspace = await openWorkspace();
    const page = iconv.encode(
      `<html><head><meta charset="iso-8859-2"></head><body><p>Zażółć gęślą jaźń</p></body></html>`,
      "iso-8859-2",
    );
    const path = await workspace.write("polish.html", page);

    const extracted = await workspace.createExtractor().extract({ path, fileName: "polish.html" });

    expect(extracted).toMatchObject({ text: "Zażółć gęślą jaźń", encoding: "iso-8859-2" });
  });

  it("strips the tags of a page nested too deeply for a tree", async () => {
    const workspace = await openWorkspace();
    const page = `<html><body>${"<div>".repeat(300_000)}at the bottom</body></html>`;
    const path = await workspace.write("deep.html", page);

    const extracted = await workspace.createExtractor().extract({ path, fileName: "deep.html" });

    expect(extracted).toMatchObject({ method: "html-stripper", text: "at the bottom" });
  });
});

describe("long HTML", () => {
  it("says when the tag stripper stopped before the end", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "long.html",
      `<html>${"<p>The weir is open.</p>\n".repeat(1_100_000)}`,
    );

    const extracted = await workspace.createExtractor().extract({ path, fileName: "long.html" });

    expect(extracted.method).toBe("html-stripper");
    expect(extracted.warnings.map((warning) => warning.code)).toEqual(["text_truncated"]);
  });
});

describe("Markdown and plain text", () => {
  it("takes the front matter off and its title out", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "note.md",
      `---\ntitle: "Notes on water"\ntags: [a, b]\n---\n\n# Heading\n\n- one\n- two\n`,
    );

    const extracted = await workspace.createExtractor().extract({ path, fileName: "note.md" });

    expect(extracted).toMatchObject({ fileType: "markdown", title: "Notes on water", encoding: "utf-8" });
    expect(extracted.text).toBe("# Heading\n\n- one\n- two\n");
  });

  it.each([
    ["windows-1252", "Der Müller öffnet das Wehr – für 5 € am Tag, „so früh wie möglich“, heißt es."],
    ["shift_jis", "水車小屋の主人は毎朝早く水門を開けて、川の水を水路に流します。"],
    ["euc-kr", "물레방아 주인은 매일 아침 일찍 수문을 열어 물을 흘려보냅니다."],
    ["gb18030", "磨坊主人每天清晨打开水闸，让河水流进水渠，然后开始一天的工作。"],
    ["windows-1251", "Мельник каждое утро рано открывает шлюз и пускает воду в канал."],
    ["windows-1250", "Příliš žluťoučký kůň úpěl ďábelské ódy, když mlynář otevřel stavidlo."],
    ["windows-1252", "Price: 5 €"],
    ["macintosh", "Le meunier ouvre chaque matin l’écluse, à côté de la forêt où naît la rivière."],
    ["utf-16le", "Der Müller öffnet das Wehr.\nJeden Tag."],
    ["utf-16be", "Der Müller öffnet das Wehr.\nJeden Tag."],
    ["utf-16le", "水車小屋の主人は、毎朝早く水門を開けます。\n"],
  ])("reads %s without a mark", async (encoding, text) => {
    const workspace = await openWorkspace();
    const path = await workspace.write("plain.txt", iconv.encode(text, encoding));

    const extracted = await workspace.createExtractor().extract({ path, fileName: "plain.txt" });

    expect(extracted.text).toBe(text);
  });

  it.each(["utf-8", "utf-16le", "utf-16be"])("reads %s with a mark and drops the mark", async (encoding) => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "marked.txt",
      iconv.encode("größer\r\nals", encoding, { addBOM: true }),
    );

    const extracted = await workspace.createExtractor().extract({ path, fileName: "marked.txt" });

    expect(extracted).toMatchObject({ text: "größer\nals", encoding });
  });

  it("removes NUL bytes, with a warning", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("nul.txt", "The weir is open\u0000 all day and all night\u0000.");

    const extracted = await workspace.createExtractor().extract({ path, fileName: "nul.txt" });

    expect(extracted.text).toBe("The weir is open all day and all night.");
    expect(extracted.warnings.map((warning) => warning.code)).toEqual(["nul_bytes_removed"]);
  });

  it("carries a text of several megabytes whole", async () => {
    const workspace = await openWorkspace();
    const text = "The weir is open all day. ".repeat(200_000);
    const path = await workspace.write("long.txt", text);

    const extracted = await workspace.createExtractor().extract({ path, fileName: "long.txt" });

    expect(extracted.text).toBe(text);
  });

  it("cuts a text beyond the limit, with a warning", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("huge.txt", "The weir is open all day. ".repeat(1_000_000));

    const extracted = await workspace.createExtractor().extract({ path, fileName: "huge.txt" });

    expect(extracted.text).toHaveLength(20_000_000);
    expect(extracted.warnings.map((warning) => warning.code)).toEqual(["text_truncated"]);
  });

  it("trusts content over a wrong extension", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write(
      "odd.txt",
      buildPdf({ pages: [{ lines: ["This is a PDF in truth."] }] }),
    );

    const extracted = await workspace.createExtractor().extract({ path, fileName: "odd.txt" });

    expect(extracted).toMatchObject({ fileType: "pdf", text: "This is a PDF in truth." });
  });

  it("takes a file name of any length", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("stored", "# Title\n\nText.");

    const extracted = await workspace
      .createExtractor()
      .extract({ path, fileName: `${"../".repeat(1_665)}x.md` });

    expect(extracted).toMatchObject({ fileType: "markdown", title: "Title" });
  });

  it("takes a path relative to the working folder", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("near.txt", "The text is near.");

    const extracted = await workspace
      .createExtractor()
      .extract({ path: relative(process.cwd(), path), fileName: "near.txt" });

    expect(extracted.text).toBe("The text is near.");
  });

  it("refuses an empty file and a missing one", async () => {
    const workspace = await openWorkspace();
    const extractor = workspace.createExtractor();
    const path = await workspace.write("empty.txt", "");

    await expect(
      extractor.extract({ path, fileName: "empty.txt", declaredType: "text" }),
    ).rejects.toMatchObject({ code: "file_empty" });
    await expect(extractor.extract({ path: `${path}.gone`, fileName: "empty.txt" })).rejects.toMatchObject({
      code: "file_unreadable",
      retryable: true,
    });
  });
});
