import { exportedDocumentSchema } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { inTurn, sampleExported } from "../../test/sample-export.ts";
import { writeCsv } from "./write-csv.ts";
import { writeJson, writeJsonLines } from "./write-json.ts";
import { writeMarkdown } from "./write-markdown.ts";

async function joined(pieces: AsyncIterable<string>): Promise<string> {
  return (await Array.fromAsync(pieces)).join("");
}

describe("an export as JSON", () => {
  it.each([0, 1, 3])("is one array of %d documents", async (count) => {
    const documents = Array.from({ length: count }, () => sampleExported());

    const written = parseJson(await joined(writeJson(inTurn(...documents))));

    expect(z.array(exportedDocumentSchema.strict()).parse(written)).toHaveLength(count);
  });

  it("is a line for each document", async () => {
    const written = await joined(
      writeJsonLines(inTurn(sampleExported({}, { text: "a\nb" }), sampleExported())),
    );

    const lines = written.trimEnd().split("\n").map(parseJson);
    expect(lines).toMatchObject([{ text: "a\nb" }, { text: "The wheel turns again." }]);
  });
});

describe("an export as CSV", () => {
  it("has a line of names and quotes what needs it", async () => {
    const written = await joined(writeCsv(inTurn(sampleExported({ title: 'Say "mill", twice' }))));

    expect(written.startsWith("\uFEFFid,title,status,")).toBe(true);
    expect(written).toContain('"Say ""mill"", twice",partial,mill.pdf,pdf,1200,en,2,22,The wheel turns.');
    expect(written).toContain('"Water drives it.\nIt is\nold.",negative,-0.5,');
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])(
    "gives a spreadsheet no formula to run: %j",
    async (title) => {
      const written = await joined(writeCsv(inTurn(sampleExported({ title }))));

      const cell = written.split(`${sampleExported().document.id},`)[1] ?? "";
      expect(cell.replace(/^"/, "").startsWith("'")).toBe(true);
    },
  );
});

describe("an export as Markdown", () => {
  it("reads from the title to the text", async () => {
    const written = await joined(writeMarkdown(inTurn(sampleExported())));

    expect(written).toBe(`# The mill

partial · mill.pdf · pdf · 2 pages · en · added 2026-11-01T10:00:00.000Z · id 0199aaaa-0000-7000-8000-000000000001

## Summary

The wheel turns.

_openai-compatible:fake_

## Key points

- Water drives it.
- It is old.

_openai-compatible:fake_

## Sentiment

negative (-0.50, from -1 to 1)

> It is loud.

_openai-compatible:fake_

## Topics

_The model was away._

## Text

The wheel turns again.
`);
  });

  it("puts a rule between two documents, and says what failed", async () => {
    const failed = {
      processing_error: "No text.",
      processing_error_code: "no_text",
      status: "failed",
    } as const;

    const written = await joined(
      writeMarkdown(inTurn(sampleExported(failed, { text: null }), sampleExported({ title: "Second" }))),
    );

    expect(written).toContain("\n> Failed: No text. (no_text)\n");
    expect(written).toContain("\n\n---\n\n# Second\n");
    expect(written.match(/## Text/g)).toHaveLength(1);
  });

  it("shows a title as what it is", async () => {
    const written = await joined(
      writeMarkdown(inTurn(sampleExported({ title: "<img src=x>\n# [a](javascript:b)" }))),
    );

    expect(written.split("\n")[0]).toBe("# \\<img src=x\\> \\# \\[a\\](javascript:b)");
  });
});
