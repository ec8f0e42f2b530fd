import { errorCode } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { buildPdf } from "./builders/pdf.ts";
import { openWorkspace } from "./workspace.ts";

const header = [
  "From: Ann Miller <ann@mill.example>",
  'To: "Ben, the keeper" <ben@mill.example>, carl@mill.example',
  "Cc: Dora <dora@mill.example>",
  "Subject: =?utf-8?q?Wehr_=C3=B6ffnen?=",
  "Date: Fri, 20 Nov 2026 09:30:00 +0100",
  "Message-ID: <1@mill.example>",
  "X-Mailer: something",
];

type Part = { readonly type: string; readonly name?: string; readonly content: string | Uint8Array };

function message(parts: readonly Part[], fields: readonly string[] = header): string {
  const boundary = `b${Math.random().toString(36).slice(2)}`;
  const body = parts.map(({ type, name, content }) =>
    [
      `--${boundary}`,
      `Content-Type: ${type}`,
      ...(name === undefined ? [] : [`Content-Disposition: attachment; filename="${name}"`]),
      ...(type === "message/rfc822"
        ? ["", Buffer.from(content).toString()]
        : ["Content-Transfer-Encoding: base64", "", Buffer.from(content).toString("base64")]),
    ].join("\r\n"),
  );
  return [
    ...fields,
    "MIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary=${boundary}`,
    "",
    ...body,
    `--${boundary}--`,
    "",
  ].join("\r\n");
}

const hostile = {
  nested: () =>
    Array.from(
      { length: 3_000 },
      (_unused, index) => `Content-Type: multipart/mixed; boundary=b${index}\r\n\r\n--b${index}\r\n`,
    ).join("") + "Content-Type: text/plain\r\n\r\nhello\r\n",
  forwarded: () =>
    `${"Subject: a\r\nContent-Type: message/rfc822\r\n\r\n".repeat(2_000)}Subject: end\r\n\r\nhi`,
  fields: () =>
    `${Array.from({ length: 1_000_000 }, (_unused, index) => `X-${index}: aaaaaaaaaaa\r\n`).join("")}\r\nhi`,
  brackets: () =>
    `To: ${"(".repeat(200_000)}\r\nFrom: ${'"'.repeat(200_000)}\r\nSubject: ${"=?utf-8?q?a".repeat(50_000)}\r\n\r\nhi`,
};

async function read(name: string, content: string | Uint8Array) {
  const workspace = await openWorkspace();
  const path = await workspace.write(name, content);
  return await workspace.createExtractor().extract({ path, fileName: name });
}

describe("mail", () => {
  it("reads the fields that matter and the body as text", async () => {
    const mail = [...header, "", "The weir is open.\r\n\r\nAnn"].join("\r\n");

    const extracted = await read("note.eml", mail);

    expect(extracted).toMatchObject({
      fileType: "eml",
      method: "mailparser",
      title: "Wehr öffnen",
      warnings: [],
    });
    expect(extracted.text).toBe(
      [
        "Subject: Wehr öffnen",
        'From: "Ann Miller" <ann@mill.example>',
        'To: "Ben, the keeper" <ben@mill.example>, carl@mill.example',
        'Cc: "Dora" <dora@mill.example>',
        "Date: 2026-11-20T08:30:00.000Z",
        "",
        "The weir is open.",
        "",
        "Ann",
      ].join("\n"),
    );
  });

  it("knows a message without its ending by its header", async () => {
    const extracted = await read("stored", [...header, "", "The weir is open."].join("\r\n"));

    expect(extracted.fileType).toBe("eml");
  });

  it("reads the HTML where there is no text", async () => {
    const mail = [...header, "Content-Type: text/html", "", "<p>The <b>weir</b></p><p>is open.</p>"].join(
      "\r\n",
    );

    const extracted = await read("html.eml", mail);

    expect(extracted.text).toMatch(/\n\nThe weir\n\nis open\.$/);
  });

  it("reads attachments as documents, each under a heading with its name", async () => {
    const mail = message([
      { type: "text/plain", content: "See the files." },
      {
        type: "application/octet-stream",
        name: "report.pdf",
        content: buildPdf({ pages: [{ lines: ["The report says that the gates are open."] }] }),
      },
      { type: "text/csv", name: "levels.csv", content: "Gate,Level\nNorth,1\n" },
    ]);

    const extracted = await read("files.eml", mail);

    expect(extracted.text).toContain("\n\nSee the files.\n\n# Attachment: report.pdf\n\nThe report says");
    expect(extracted.text).toMatch(/# Attachment: levels\.csv\n\nGate \| Level\nNorth \| 1$/);
  });

  it("reads messages within messages, but not for ever", async () => {
    const nested = (depth: number): string =>
      depth === 0
        ? [...header, "", "The innermost."].join("\r\n")
        : message([
            { type: "text/plain", content: `Level ${depth}.` },
            { type: "message/rfc822", content: nested(depth - 1) },
          ]);

    const extracted = await read("forwarded.eml", nested(5));

    expect(extracted.text).toContain("Level 2.");
    expect(extracted.text).not.toContain("Level 1.");
    expect(extracted.warnings.map(({ code }) => code)).toEqual(["attachment_left_out"]);
  });

  it("names the attachments that can't be read and keeps the rest", async () => {
    const mail = message([
      { type: "text/plain", content: "See the files." },
      { type: "application/zip", name: "all.zip", content: Buffer.from("504b0304140000000000", "hex") },
      { type: "application/pdf", name: "broken.pdf", content: "%PDF-1.7\nnothing" },
      {
        type: "application/pdf",
        name: "locked.pdf",
        content: buildPdf({ pages: [{ lines: ["Secret."] }], userPassword: "mill" }),
      },
      { type: "text/plain", name: "fine.txt", content: "The text of a file." },
    ]);

    const extracted = await read("mixed.eml", mail);

    expect(extracted.text).toContain("# Attachment: fine.txt\n\nThe text of a file.");
    expect(extracted.warnings.map(({ code }) => code)).toEqual([
      "attachment_unreadable",
      "attachment_unreadable",
      "attachment_unreadable",
    ]);
    expect(extracted.warnings.map(({ message: said }) => said.split(":")[0])).toEqual([
      "all.zip",
      "broken.pdf",
      "locked.pdf",
    ]);
    // Nobody can give it its password there.
    expect(extracted.warnings.at(-1)?.message).toContain("Save it by itself");
  });

  it("reads no more attachments than agreed, and says so", async () => {
    const parts = Array.from({ length: 60 }, (_unused, index) => ({
      type: "text/plain",
      name: `file ${index}.txt`,
      content: `Text ${index}.`,
    }));

    const extracted = await read("many.eml", message(parts));

    expect(extracted.text).toContain("Text 49.");
    expect(extracted.text).not.toContain("Text 50.");
    expect(extracted.warnings.map(({ code }) => code)).toEqual(["attachments_left_out"]);
  });

  it.each([
    ["three thousand nested parts", hostile.nested],
    ["two thousand nested messages", hostile.forwarded],
    ["a million fields", hostile.fields],
    ["brackets without end", hostile.brackets],
  ])("ends within its limits with %s", async (_what, content) => {
    const outcome = await read("hostile.eml", content()).then(
      () => "read",
      (error: unknown) => errorCode(error),
    );

    expect(outcome).toMatch(/^(?:read|file_damaged|no_text_found|extraction_limit_\w+)$/);
  });

  it("refuses a message larger than can be held", async () => {
    const mail = `Subject: s\r\nContent-Type: text/html\r\n\r\n${"<p>lorem ipsum</p>\r\n".repeat(3_000_000)}`;

    await expect(read("large.eml", mail)).rejects.toMatchObject({ code: "extraction_limit_size" });
  });
});
